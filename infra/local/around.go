package local

import (
	"bytes"
	"errors"
	"io"
	"net/http"

	"github.com/aws/aws-sdk-go-v2/aws"

	"github.com/waypost/waypost/infra/local/awsport"
)

// A Call is one call of AWS, as Config.Around sees it. What the SDK repeats is
// as many calls.
type Call struct {
	By   string // the function that makes it, or ByStates
	Name string // as awsport.NameOf has it: "UpdateItem waypost-ledger"; or "Invoke webhook", which lasts until the function's answer
}

// ByStates is who makes Step Functions' own calls.
const ByStates = "states"

// watched is a function's way to AWS, with Config.Around on it.
type watched struct {
	by     string
	next   aws.HTTPClient
	around func(Call, func())
}

// Do makes a request. It reads the body first, for its name.
func (w watched) Do(r *http.Request) (res *http.Response, err error) {
	var body []byte
	if r.Body != nil {
		body, err = io.ReadAll(r.Body)
		if err = errors.Join(err, r.Body.Close()); err != nil {
			return nil, err
		}
		r.Body = io.NopCloser(bytes.NewReader(body))
	}
	w.around(Call{w.by, awsport.NameOf(r, body)}, func() { res, err = w.next.Do(r) })
	return res, err
}
