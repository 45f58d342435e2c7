package dynamotest

import (
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb"

	"github.com/waypost/waypost/shared/dynamo"
	"github.com/waypost/waypost/shared/fault"
	"github.com/waypost/waypost/shared/optout"
)

// optOuts holds opt-outs to what delivery and callback ask of them.
func optOuts(t *testing.T, client *dynamodb.Client) {
	s := &dynamo.OptOuts{Client: client, Table: create(t, client, dynamo.LimitsTable)}
	const number, spelled = "+15550100001", "1 (555) 010-0001"
	told := func(at time.Time, evidence string) optout.OptOut {
		return optout.OptOut{Channel: "sms", At: at, By: "twilio", Code: "21610", Evidence: evidence}
	}
	find := func(t *testing.T, recipient string, want optout.OptOut) {
		t.Helper()
		got, err := s.Find(t.Context(), "sms", recipient)
		if want == (optout.OptOut{}) {
			faulty(t, "Find", err, fault.NotFound)
			return
		}
		faulty(t, "Find", err, "")
		same(t, "the opt-out", want, got)
	}
	find(t, number, optout.OptOut{})
	faulty(t, "Lift of none", s.Lift(t.Context(), "sms", number, noon), fault.NotFound)

	first := told(noon, "x.text.0")
	faulty(t, "Add", s.Add(t.Context(), number, first), "")
	faulty(t, "Add again", s.Add(t.Context(), spelled, told(noon.Add(time.Hour), "y.text.0")), "")
	faulty(t, "Add by hand", s.Add(t.Context(), spelled, told(noon.Add(time.Hour), "")), "")
	find(t, spelled, first)
	find(t, "+15550100002", optout.OptOut{})
	_, err := s.Find(t.Context(), "loyalty", number)
	faulty(t, "Find of another channel", err, fault.NotFound)

	faulty(t, "Lift", s.Lift(t.Context(), "sms", spelled, noon), "")
	find(t, number, optout.OptOut{})
	faulty(t, "Lift again", s.Lift(t.Context(), "sms", number, noon), fault.NotFound)
	faulty(t, "Add by the same evidence", s.Add(t.Context(), number, told(noon.Add(time.Hour), "x.text.0")), "")
	find(t, number, optout.OptOut{})
	second := told(noon.Add(2*time.Hour), "z.text.0")
	faulty(t, "Add by other evidence", s.Add(t.Context(), number, second), "")
	find(t, number, second)

	faulty(t, "Lift", s.Lift(t.Context(), "sms", number, noon), "")
	byHand := optout.OptOut{Channel: "sms", At: noon, By: optout.Operator}
	faulty(t, "Add by hand", s.Add(t.Context(), number, byHand), "")
	find(t, number, byHand)
}
