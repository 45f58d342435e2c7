package queue

import (
	"context"
	"slices"
	"strings"
	"time"

	"github.com/waypost/waypost/infra/local/awsport/awsjson"
)

// maxBatch is the most entries that a batch may have.
const maxBatch = 10

type settleEntry struct {
	ID                string `json:"Id"`
	ReceiptHandle     string
	VisibilityTimeout int
}

// delete removes the message of a receipt. One that is gone already is no error.
func (q *queue) delete(e settleEntry) *awsjson.Error {
	id, _, ok := strings.Cut(e.ReceiptHandle, ":")
	if !ok {
		return badReceipt()
	}
	q.messages = slices.DeleteFunc(q.messages, func(m *message) bool { return m.id == id })
	return nil
}

// hide sets when the message of a receipt can be received again.
func (q *queue) hide(e settleEntry) *awsjson.Error {
	if e.VisibilityTimeout < 0 || e.VisibilityTimeout > 43200 {
		return failure("InvalidParameterValue", "VisibilityTimeout must be 0 to 43200.")
	}
	id, _, ok := strings.Cut(e.ReceiptHandle, ":")
	if !ok {
		return badReceipt()
	}
	now := time.Now()
	i := slices.IndexFunc(q.messages, func(m *message) bool { return m.id == id && m.receipt == e.ReceiptHandle && m.visible.After(now) })
	if i < 0 {
		refused := failure("MessageNotInflight", "The specified message isn't in flight.")
		refused.QueryCode = "AWS.SimpleQueueService.MessageNotInflight"
		return refused
	}
	q.messages[i].visible = now.Add(time.Duration(e.VisibilityTimeout) * time.Second)
	q.wake()
	return nil
}

func badReceipt() *awsjson.Error {
	return failure("ReceiptHandleIsInvalid", "The input receipt handle is invalid.")
}

type settleRequest struct {
	queueURL
	settleEntry
}

func (s *Server) settle(in *settleRequest, f func(*queue, settleEntry) *awsjson.Error) (any, error) {
	q, err := s.queue(in.QueueURL)
	if err != nil {
		return nil, err
	}
	if refused := f(q, in.settleEntry); refused != nil {
		return nil, refused
	}
	return nil, nil
}

func (s *Server) deleteMessage(_ context.Context, in *settleRequest) (any, error) {
	return s.settle(in, (*queue).delete)
}

func (s *Server) changeVisibility(_ context.Context, in *settleRequest) (any, error) {
	return s.settle(in, (*queue).hide)
}

type batch[E any] struct {
	queueURL
	Entries []E
}

// each runs the entries of a batch, of which some may fail alone.
func each[E any](s *Server, in *batch[E], id func(E) string, f func(*queue, E) (map[string]any, *awsjson.Error)) (any, error) {
	q, err := s.queue(in.QueueURL)
	if err != nil {
		return nil, err
	}
	refuse := func(code, message string) (any, error) {
		e := failure(code, "%s", message)
		e.QueryCode = "AWS.SimpleQueueService." + code
		return nil, e
	}
	switch n := len(in.Entries); {
	case n == 0:
		return refuse("EmptyBatchRequest", "The batch request doesn't contain any entries.")
	case n > maxBatch:
		return refuse("TooManyEntriesInBatchRequest", "The batch request contains more than 10 entries.")
	}
	seen := map[string]bool{}
	for _, e := range in.Entries {
		if seen[id(e)] {
			return refuse("BatchEntryIdsNotDistinct", "Two or more batch entries in the request have the same Id.")
		}
		seen[id(e)] = true
	}
	successful, failed := []map[string]any{}, []map[string]any{}
	for _, e := range in.Entries {
		out, refused := f(q, e)
		if refused != nil {
			failed = append(failed, map[string]any{"Id": id(e), "Code": refused.Code, "Message": refused.Message, "SenderFault": true})
			continue
		}
		if out == nil {
			out = map[string]any{}
		}
		out["Id"] = id(e)
		successful = append(successful, out)
	}
	return map[string]any{"Successful": successful, "Failed": failed}, nil
}

func (s *Server) sendBatch(_ context.Context, in *batch[sendEntry]) (any, error) {
	return each(s, in, func(e sendEntry) string { return e.ID }, (*queue).send)
}

func (s *Server) deleteBatch(_ context.Context, in *batch[settleEntry]) (any, error) {
	return each(s, in, func(e settleEntry) string { return e.ID },
		func(q *queue, e settleEntry) (map[string]any, *awsjson.Error) { return nil, q.delete(e) })
}

func (s *Server) changeBatch(_ context.Context, in *batch[settleEntry]) (any, error) {
	return each(s, in, func(e settleEntry) string { return e.ID },
		func(q *queue, e settleEntry) (map[string]any, *awsjson.Error) { return nil, q.hide(e) })
}
