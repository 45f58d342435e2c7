package dynamo

import (
	"context"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"github.com/waypost/waypost/shared/awserror"
	"github.com/waypost/waypost/shared/fault"
	"github.com/waypost/waypost/shared/ledger"
)

// generational are the attributes that a generation has of its own. All others
// stay as they are when the next begins.
var generational = []string{"state", "holder", "lease", "until", "runner", "outcome", "reason", "code", "providerId", "attempts", "response", "error",
	"replays", "startedAt", "requestedAt", "settledAt", "timings", "due", "dueShard", "expires"}

// Replay implements replay.Ledger. It is one UpdateItem, so that what is no
// generation's own, such as what callbacks report, is not touched:
//
//	settled, as it was read ─> waiting, the next generation
//	anything else           ─> as it was; a Conflict
func (l *Ledger) Replay(ctx context.Context, was, next ledger.Delivery) error {
	it, err := itemOf(next)
	if err != nil {
		return err
	}
	names := map[string]string{}
	values := item{":was": text(string(ledger.Settled)), ":outcomeWas": text(string(was.Outcome)), ":settledWas": moment(was.SettledAt), ":holderWas": text(was.Holder)}
	var sets, removes []string
	for _, name := range generational {
		names["#"+name] = name
		value, kept := it[name]
		if !kept {
			removes = append(removes, "#"+name)
			continue
		}
		sets, values[":"+name] = append(sets, "#"+name+" = :"+name), value
	}
	_, err = l.Client.UpdateItem(ctx, &dynamodb.UpdateItemInput{
		TableName: &l.Table, Key: item{"execution": it["execution"], "node": it["node"]},
		UpdateExpression:         aws.String("SET " + strings.Join(sets, ", ") + " REMOVE " + strings.Join(removes, ", ")),
		ConditionExpression:      aws.String("#state = :was AND #outcome = :outcomeWas AND #settledAt = :settledWas AND #holder = :holderWas"),
		ExpressionAttributeNames: names, ExpressionAttributeValues: values,
		ReturnValuesOnConditionCheckFailure: types.ReturnValuesOnConditionCheckFailureAllOld,
	})
	if met, refused := conflict(err); refused {
		var there ledger.Delivery
		if err := unmarshal(met, &there); err != nil {
			return err
		}
		if there.Holder == next.Holder {
			return nil // the answer to an earlier try was lost
		}
		return fault.Wrap(awserror.Loggable(err), fault.Conflict, "the delivery %s has changed meanwhile; look at it again", was.ID())
	}
	if unkeepable(err) {
		return fault.Wrap(awserror.Loggable(err), fault.TooLarge, "the record of the delivery %s has no room for another replay", was.ID())
	}
	if err != nil {
		return failed(err, "ledger")
	}
	return nil
}
