package rig

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"

	"github.com/aws/aws-sdk-go-v2/service/sfn"
)

// Everything is all that the world keeps, logs or tells, by place: whatever a
// person who may not see profiles or credentials can come across. What holds
// them by its nature is left out: the profiles' table, the secrets, and the
// endpoint's own requests. The dead-letter queue is emptied.
func (w *World) Everything() map[string]string {
	w.t.Helper()
	all := map[string]string{"the log": w.Logs(), "the dead letters": fmt.Sprint(w.DeadLetters())}
	for _, table := range []string{Catalog, Ledger, Limits} {
		text, err := json.Marshal(w.Items(table))
		w.must(err)
		all["the table "+table] = string(text)
	}
	for i, op := range w.Ops() {
		if op.Name != "PutItem profiles" {
			all[fmt.Sprintf("request %d, %s by %s", i, op.Name, op.Function)] = op.Body
		}
	}
	ctx := context.Background()
	for _, machine := range w.machines() {
		m, err := w.sfn.DescribeStateMachine(ctx, &sfn.DescribeStateMachineInput{StateMachineArn: &machine})
		w.must(err)
		all["the machine "+machine] = *m.Definition
	}
	for _, x := range w.Executions() {
		all["the execution "+x.ARN] = fmt.Sprintf("%+v", x)
		all["the history of "+x.ARN] = w.History(x.ARN)
		w.tell(all, "executions/"+x.Name)
		w.tell(all, "deliveries?execution="+x.Name)
		w.tell(all, "deliveries/"+x.Name+"."+Step+".0")
	}
	for _, path := range []string{"deliveries", "actions", "actions/" + Action, "actions/" + Action + "/versions/1", "journeys", "journeys/" + Journey,
		"journeys/" + Journey + "/versions/1", "profile-schema", "events/" + Event} {
		w.tell(all, path)
	}
	return all
}

// tell adds what the admin function answers, problems too.
func (w *World) tell(all map[string]string, path string) {
	_, text := w.Call(http.MethodGet, "/admin/v1/"+path, "")
	all["the answer of "+path] = text
}
