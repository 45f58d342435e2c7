package states_test

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"sync"
	"testing"
	"time"

	"github.com/waypost/waypost/infra/local/states"
)

// BenchmarkExecutions starts executions of a machine of three states through
// the API, a hundred at a time, and waits for their ends.
func BenchmarkExecutions(b *testing.B) {
	var done sync.WaitGroup
	i := &counting{done: &done}
	bn := &bench{t: b, engine: states.New(states.Options{Invoker: i})}
	m := bn.create(`{"StartAt":"T","States":{
		"T":{"Type":"Task","Resource":"arn:aws:states:::lambda:invoke","Parameters":{"FunctionName":"f","Payload.$":"$"},"ResultSelector":{"r.$":"$.Payload"},"ResultPath":"$.steps.t","Next":"C"},
		"C":{"Type":"Choice","Choices":[{"Variable":"$.n","NumericGreaterThan":5,"Next":"L"}],"Default":"L"},
		"L":{"Type":"Task","Resource":"arn:aws:states:::lambda:invoke","Parameters":{"FunctionName":"last","Payload.$":"$.n"},"End":true}}}`)
	input := `{"n":1,"event":{"orderId":"o-1","customerId":"c-1","total":25,"items":[{"sku":"a","n":1},{"sku":"b","n":2}]},"steps":{}}`
	slots := make(chan struct{}, 100)
	i.slots = slots
	began := time.Now()
	for n := 0; b.Loop(); n++ {
		slots <- struct{}{}
		done.Add(1)
		body, _ := json.Marshal(map[string]string{"stateMachineArn": m, "name": fmt.Sprint("e", n), "input": input})
		r := httptest.NewRequest(http.MethodPost, "/", bytes.NewReader(body))
		r.Header.Set("X-Amz-Target", states.TargetPrefix+"StartExecution")
		w := httptest.NewRecorder()
		bn.engine.ServeHTTP(w, r)
		if w.Code != http.StatusOK {
			b.Fatal(w.Body)
		}
	}
	done.Wait()
	b.ReportMetric(float64(b.N)/time.Since(began).Seconds(), "executions/s")
	bn.close()
}

// counting is an Invoker that tells when the last state of a machine runs.
type counting struct {
	done  *sync.WaitGroup
	slots chan struct{}
}

func (c *counting) Invoke(_ context.Context, function string, payload []byte) ([]byte, error) {
	if function == "last" {
		<-c.slots
		c.done.Done()
	}
	return payload, nil
}
