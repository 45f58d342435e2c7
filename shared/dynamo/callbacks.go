package dynamo

import (
	"context"
	"strconv"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"github.com/waypost/waypost/shared/fault"
	"github.com/waypost/waypost/shared/ledger"
)

// wakeSlack is how long after a final status the sweep looks whether the step
// that waits for it was woken.
const wakeSlack = waitSlack

// Hear puts a report into the record of a delivery that was read as d, if it
// moves its status forward, in one conditional write. It gives the record as
// it now is, and whether it was moved. A NotFound means that there is no such
// delivery, or that it has begun anew under another callback token.
func (l *Ledger) Hear(ctx context.Context, d ledger.Delivery, r ledger.Report) (ledger.Delivery, bool, error) {
	for {
		if d.Callback == "" { // no condition can be met by what is not there
			return d, false, fault.New(fault.NotFound, "nobody was asked to report on the delivery %s", d.ID())
		}
		heard := d
		if !heard.Hear(r) {
			return d, false, nil
		}
		out, err := l.Client.UpdateItem(ctx, hearing(l.Table, &d, &heard))
		met, changed := conflict(err)
		switch {
		case changed:
			var there ledger.Delivery
			if err := unmarshal(met, &there); err != nil {
				return d, false, err
			}
			if there.Execution == "" || there.Callback != d.Callback {
				return d, false, fault.New(fault.NotFound, "there is no delivery %s that is reported on there", d.ID())
			}
			d = there // its holder settled it, another callback came first, or a Task waits: each happens a few times at most
			continue
		case err != nil:
			return d, false, failed(err, "ledger")
		}
		err = unmarshal(out.Attributes, &d)
		return d, true, err
	}
}

// hearing is the write of what a report changes, under the condition that
// nothing of it has changed since the record was read.
func hearing(table string, was, is *ledger.Delivery) *dynamodb.UpdateItemInput {
	names := map[string]string{"#callback": "callback", "#state": "state", "#status": "status", "#rank": "statusRank", "#at": "statusAt",
		"#code": "statusCode", "#why": "statusReason", "#id": "providerId"}
	values := item{":callback": text(was.Callback), ":state": text(string(was.State)), ":status": text(string(is.Status)),
		":rank": whole(is.Status.Rank()), ":was": whole(was.Status.Rank()), ":at": moment(is.StatusAt),
		":code": text(is.StatusCode), ":why": text(is.StatusReason), ":id": text(is.ProviderID)}
	set := "SET #status = :status, #rank = :rank, #at = :at, #code = :code, #why = :why, #id = :id"
	only := "#callback = :callback AND #state = :state AND (attribute_not_exists(#rank) OR #rank = :was)"
	if was.State == ledger.Settled {
		only += " AND #outcome = :outcome"
		names["#outcome"], values[":outcome"] = "outcome", text(string(was.Outcome))
	}
	if is.Outcome != was.Outcome {
		set += ", #outcome = :decided, #reason = :reason"
		names["#reason"], values[":decided"], values[":reason"] = "reason", text(string(is.Outcome)), text(is.Reason)
	}
	// A Task that began to wait since the record was read must be seen: were
	// whoever hears the status to die, the sweep would not know of it.
	switch final := is.Status.Final(); {
	case final && was.TaskToken == "":
		only += " AND attribute_not_exists(#token)"
		names["#token"] = "taskToken"
	case final:
		only += " AND #token = :token"
		set += ", #due = :due, #shard = :shard"
		names["#token"], names["#due"], names["#shard"], values[":token"] = "taskToken", "due", "dueShard", text(was.TaskToken)
		values[":due"], values[":shard"] = moment(is.StatusAt.Add(wakeSlack)), text(strconv.Itoa(shard(was.Execution)))
	}
	return &dynamodb.UpdateItemInput{TableName: &table, Key: item{"execution": text(was.Execution), "node": text(node(was.ID()))},
		UpdateExpression: &set, ConditionExpression: &only, ExpressionAttributeNames: names, ExpressionAttributeValues: values,
		ReturnValues: types.ReturnValueAllNew, ReturnValuesOnConditionCheckFailure: types.ReturnValuesOnConditionCheckFailureAllOld}
}

// Await notes the token of the Task that waits for the delivery's final
// status, and gives the record as it now is. A later token replaces an
// earlier one. A NotFound means that there is no such delivery.
func (l *Ledger) Await(ctx context.Context, id ledger.DeliveryID, token string) (ledger.Delivery, error) {
	out, err := l.Client.UpdateItem(ctx, &dynamodb.UpdateItemInput{
		TableName: &l.Table, Key: item{"execution": text(id.Execution), "node": text(node(id))},
		UpdateExpression: aws.String("SET #token = :token"), ConditionExpression: aws.String("attribute_exists(execution)"),
		ExpressionAttributeNames: map[string]string{"#token": "taskToken"}, ExpressionAttributeValues: item{":token": text(token)},
		ReturnValues: types.ReturnValueAllNew,
	})
	var d ledger.Delivery
	if _, missing := conflict(err); missing {
		return d, fault.New(fault.NotFound, "there is no delivery %s", id)
	}
	if err != nil {
		return d, failed(err, "ledger")
	}
	return d, unmarshal(out.Attributes, &d)
}

// Woken notes that the Task of this token waits no longer, where it is still
// the one that the delivery knows. A delivery that is being made anew stays due:
// that is for whoever made it and died.
func (l *Ledger) Woken(ctx context.Context, id ledger.DeliveryID, token string) error {
	for _, way := range []struct{ remove, only string }{{"#token, #due, #shard", "="}, {"#token", "<>"}} {
		names := map[string]string{"#token": "taskToken", "#state": "state"}
		if way.only == "=" {
			names["#due"], names["#shard"] = "due", "dueShard"
		}
		_, err := l.Client.UpdateItem(ctx, &dynamodb.UpdateItemInput{
			TableName: &l.Table, Key: item{"execution": text(id.Execution), "node": text(node(id))},
			UpdateExpression:                    aws.String("REMOVE " + way.remove),
			ConditionExpression:                 aws.String("#token = :token AND #state " + way.only + " :settled"),
			ExpressionAttributeNames:            names,
			ExpressionAttributeValues:           item{":token": text(token), ":settled": text(string(ledger.Settled))},
			ReturnValuesOnConditionCheckFailure: types.ReturnValuesOnConditionCheckFailureAllOld,
		})
		met, refused := conflict(err)
		if err != nil && !refused {
			return failed(err, "ledger")
		}
		var there ledger.Delivery
		if err := unmarshal(met, &there); err != nil || there.TaskToken != token {
			return err
		}
	}
	return nil
}
