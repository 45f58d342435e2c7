package dynamo

import (
	"strings"

	"github.com/waypost/waypost/infra/local/awsport/awsjson"
)

// Limits of DynamoDB on requests of many items.
const (
	maxTransaction = 100
	maxBatchGet    = 100
	maxBatchWrite  = 25
)

type transactWrite struct {
	Put, Update, Delete, ConditionCheck *writeRequest
}

// one gives the member's only write.
func (m transactWrite) one() (writeKind, *writeRequest, error) {
	var kind writeKind
	var in *writeRequest
	for k, candidate := range []*writeRequest{put: m.Put, update: m.Update, remove: m.Delete, check: m.ConditionCheck} {
		if candidate == nil {
			continue
		}
		if in != nil {
			return 0, nil, invalid("TransactItems can only contain one of Check, Put, Update or Delete")
		}
		kind, in = writeKind(k), candidate
	}
	if in == nil {
		return 0, nil, invalid("TransactItems must contain one of Check, Put, Update or Delete")
	}
	return kind, in, nil
}

// transactWriteItems judges every write before it applies any. As on AWS, each
// condition that fails is among the reasons.
func (s *Server) transactWriteItems(in *struct{ TransactItems []transactWrite }) (any, error) {
	if n := len(in.TransactItems); n == 0 || n > maxTransaction {
		return nil, invalid("TransactItems must have 1 to %d members, not %d", maxTransaction, n)
	}
	changes := make([]change, len(in.TransactItems))
	reasons := make([]map[string]any, len(changes))
	codes := make([]string, len(changes))
	cancelled := false
	seen := map[string]bool{}
	for i, member := range in.TransactItems {
		kind, w, err := member.one()
		if err != nil {
			return nil, err
		}
		c, err := s.plan(kind, w)
		codes[i] = "None"
		reasons[i] = map[string]any{"Code": "None"}
		if failed, ok := conditionFailed(err); ok {
			cancelled, codes[i] = true, "ConditionalCheckFailed"
			reasons[i] = map[string]any{"Code": codes[i], "Message": failed.Message}
			for k, v := range failed.Fields {
				reasons[i][k] = v
			}
		} else if err != nil && c.late {
			cancelled, codes[i] = true, "ValidationError"
			reasons[i] = map[string]any{"Code": codes[i], "Message": err.Error()}
		} else if err != nil {
			return nil, err
		}
		if key := c.table.name + "/" + c.id; seen[key] {
			return nil, invalid("Transaction request cannot include multiple operations on one item")
		} else {
			seen[key] = true
		}
		changes[i] = c
	}
	if cancelled {
		e := awsjson.Errorf("TransactionCanceledException", "Transaction cancelled, please refer cancellation reasons for specific reasons [%s]", strings.Join(codes, ", "))
		e.Fields = map[string]any{"CancellationReasons": reasons}
		return nil, e
	}
	for _, c := range changes {
		c.apply()
	}
	return nil, nil
}

func (s *Server) transactGetItems(in *struct{ TransactItems []struct{ Get *getRequest } }) (any, error) {
	if n := len(in.TransactItems); n == 0 || n > maxTransaction {
		return nil, invalid("TransactItems must have 1 to %d members, not %d", maxTransaction, n)
	}
	responses := make([]map[string]any, len(in.TransactItems))
	seen := map[string]bool{}
	for i, member := range in.TransactItems {
		if member.Get == nil {
			return nil, invalid("TransactItems must contain Get")
		}
		it, err := s.get(member.Get)
		if err != nil {
			return nil, err
		}
		responses[i] = itemOutput(it)
		t, err := s.table(member.Get.TableName)
		if err != nil {
			return nil, err
		}
		id, err := t.keyID(member.Get.Key)
		if err != nil {
			return nil, err
		}
		if key := t.name + "/" + id; seen[key] {
			return nil, invalid("Transaction request cannot include multiple operations on one item")
		} else {
			seen[key] = true
		}
	}
	return map[string]any{"Responses": responses}, nil
}

func (s *Server) batchGetItem(in *struct {
	RequestItems map[string]struct {
		expression
		Keys []item
	}
}) (any, error) {
	total := 0
	for _, r := range in.RequestItems {
		total += len(r.Keys)
	}
	if total == 0 || total > maxBatchGet {
		return nil, invalid("a BatchGetItem takes 1 to %d keys, not %d", maxBatchGet, total)
	}
	responses := map[string][]item{}
	for table, r := range in.RequestItems {
		responses[table] = []item{}
		seen := map[string]bool{}
		for _, key := range r.Keys {
			t, err := s.table(table)
			if err != nil {
				return nil, err
			}
			id, err := t.keyID(key)
			if err != nil {
				return nil, err
			}
			if seen[id] {
				return nil, invalid("Provided list of item keys contains duplicates")
			}
			seen[id] = true
			it, err := s.get(&getRequest{expression: r.expression, TableName: table, Key: key})
			if err != nil {
				return nil, err
			}
			if it != nil {
				responses[table] = append(responses[table], it)
			}
		}
	}
	return map[string]any{"Responses": responses, "UnprocessedKeys": struct{}{}}, nil
}

func (s *Server) batchWriteItem(in *struct {
	RequestItems map[string][]struct {
		PutRequest    *struct{ Item item }
		DeleteRequest *struct{ Key item }
	}
}) (any, error) {
	var changes []change
	seen := map[string]bool{}
	for table, requests := range in.RequestItems {
		for _, r := range requests {
			kind, w := put, &writeRequest{TableName: table}
			switch {
			case r.PutRequest != nil && r.DeleteRequest == nil:
				w.Item = r.PutRequest.Item
			case r.PutRequest == nil && r.DeleteRequest != nil:
				kind, w.Key = remove, r.DeleteRequest.Key
			default:
				return nil, invalid("a write request must have one of PutRequest and DeleteRequest")
			}
			c, err := s.plan(kind, w)
			if err != nil {
				return nil, err
			}
			if key := table + "/" + c.id; seen[key] {
				return nil, invalid("Provided list of item keys contains duplicates")
			} else {
				seen[key] = true
			}
			changes = append(changes, c)
		}
	}
	if len(changes) == 0 || len(changes) > maxBatchWrite {
		return nil, invalid("a BatchWriteItem takes 1 to %d requests, not %d", maxBatchWrite, len(changes))
	}
	for _, c := range changes {
		c.apply()
	}
	return map[string]any{"UnprocessedItems": struct{}{}}, nil
}
