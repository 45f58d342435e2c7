package queue

import (
	"context"
	"crypto/md5"
	"encoding/binary"
	"encoding/hex"
	"hash"
	"maps"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/waypost/waypost/infra/local/awsport/awsjson"
)

// maxMessages bounds a queue, whose messages are all in memory.
const maxMessages = 100_000

type queue struct {
	name     string
	created  time.Time
	values   map[string]int // the settings, by attribute name
	policy   string         // RedrivePolicy, as it was given
	dead     redrive
	messages []*message
	changed  chan struct{} // closed when a message may have become visible
}

type message struct {
	id, body   string
	attributes map[string]attribute
	sent       time.Time
	visible    time.Time // when it can be received (again)
	received   int
	first      time.Time // of the first receipt
	receipt    string    // of the latest receipt; the id comes before its colon
}

type attribute struct {
	DataType    string
	StringValue *string `json:",omitempty"`
	BinaryValue []byte  `json:",omitempty"`
}

func newQueue(name string) *queue {
	q := &queue{name: name, created: time.Now(), values: map[string]int{}, changed: make(chan struct{})}
	for attribute, b := range settings() {
		q.values[attribute] = b.otherwise
	}
	return q
}

func (q *queue) seconds(attribute string) time.Duration {
	return time.Duration(q.values[attribute]) * time.Second
}

// wake has those who wait for a message look again.
func (q *queue) wake() {
	close(q.changed)
	q.changed = make(chan struct{})
}

func (q *queue) counts(now time.Time) (visible, hidden, delayed int) {
	q.expire(now)
	for _, m := range q.messages {
		switch {
		case !m.visible.After(now):
			visible++
		case m.received > 0:
			hidden++
		default:
			delayed++
		}
	}
	return visible, hidden, delayed
}

// expire drops what is older than the retention period.
func (q *queue) expire(now time.Time) {
	oldest := now.Add(-q.seconds("MessageRetentionPeriod"))
	q.messages = slices.DeleteFunc(q.messages, func(m *message) bool { return m.sent.Before(oldest) })
}

type sendEntry struct {
	ID                string `json:"Id"`
	MessageBody       string
	DelaySeconds      *int
	MessageAttributes map[string]attribute
}

func (s *Server) send(_ context.Context, in *struct {
	queueURL
	sendEntry
}) (any, error) {
	q, err := s.queue(in.QueueURL)
	if err != nil {
		return nil, err
	}
	out, refused := q.send(in.sendEntry)
	if refused != nil {
		return nil, refused
	}
	return out, nil
}

func (q *queue) send(in sendEntry) (map[string]any, *awsjson.Error) {
	size := len(in.MessageBody)
	for name, a := range in.MessageAttributes {
		size += len(name) + len(a.DataType) + len(a.BinaryValue)
		if a.StringValue != nil {
			size += len(*a.StringValue)
		}
	}
	delay := q.values["DelaySeconds"]
	if in.DelaySeconds != nil {
		delay = *in.DelaySeconds
	}
	switch {
	case in.MessageBody == "":
		return nil, failure("MissingParameter", "The request must contain the parameter MessageBody.")
	case size > q.values["MaximumMessageSize"]:
		return nil, failure("InvalidParameterValue", "One or more parameters are invalid. Reason: Message must be shorter than %d bytes.", q.values["MaximumMessageSize"])
	case !utf8.ValidString(in.MessageBody):
		return nil, failure("InvalidMessageContents", "The message contains characters outside the allowed set.")
	case delay < 0 || delay > 900:
		return nil, failure("InvalidParameterValue", "Value %d for parameter DelaySeconds is invalid. Reason: DelaySeconds must be >= 0 and <= 900.", delay)
	case len(q.messages) >= maxMessages:
		return nil, failure("RequestThrottled", "the local runtime keeps %d messages a queue at most", maxMessages)
	}
	now := time.Now()
	m := &message{id: awsjson.RequestID(), body: in.MessageBody, attributes: in.MessageAttributes, sent: now, visible: now.Add(time.Duration(delay) * time.Second)}
	q.messages = append(q.messages, m)
	q.wake()
	out := map[string]any{"MessageId": m.id, "MD5OfMessageBody": digest(m.body)}
	if len(m.attributes) > 0 {
		out["MD5OfMessageAttributes"] = attributesDigest(m.attributes)
	}
	return out, nil
}

func digest(s string) string {
	sum := md5.Sum([]byte(s)) // SQS's own checksum, which its clients verify
	return hex.EncodeToString(sum[:])
}

// attributesDigest is SQS's checksum over attributes: by name, each part after
// its length, the kind of value told by a byte (SQS Developer Guide,
// "Calculating the MD5 message digest for message attributes").
func attributesDigest(attributes map[string]attribute) string {
	h := md5.New()
	for _, name := range slices.Sorted(maps.Keys(attributes)) {
		a := attributes[name]
		part(h, name)
		part(h, a.DataType)
		if strings.HasPrefix(a.DataType, "Binary") {
			h.Write([]byte{2})
			part(h, string(a.BinaryValue))
			continue
		}
		h.Write([]byte{1})
		if a.StringValue != nil {
			part(h, *a.StringValue)
		}
	}
	return hex.EncodeToString(h.Sum(nil))
}

func part(h hash.Hash, s string) {
	_ = binary.Write(h, binary.BigEndian, uint32(len(s))) // a hash's writes never fail
	h.Write([]byte(s))
}

type receiveRequest struct {
	queueURL
	MaxNumberOfMessages         int
	WaitTimeSeconds             *int
	VisibilityTimeout           *int
	AttributeNames              []string
	MessageSystemAttributeNames []string
	MessageAttributeNames       []string
}

// receive waits until there is a message, the wait time is over, or the caller
// has left.
func (s *Server) receive(ctx context.Context, in *receiveRequest) (any, error) {
	limit := in.MaxNumberOfMessages
	if limit == 0 {
		limit = 1
	}
	if limit < 1 || limit > 10 {
		return nil, failure("InvalidParameterValue", "Value %d for parameter MaxNumberOfMessages is invalid. Reason: Must be between 1 and 10, if provided.", limit)
	}
	if in.VisibilityTimeout != nil && (*in.VisibilityTimeout < 0 || *in.VisibilityTimeout > 43200) || in.WaitTimeSeconds != nil && (*in.WaitTimeSeconds < 0 || *in.WaitTimeSeconds > 20) {
		return nil, failure("InvalidParameterValue", "VisibilityTimeout must be 0 to 43200, and WaitTimeSeconds 0 to 20.")
	}
	var deadline time.Time
	for {
		now := time.Now()
		s.mu.Lock()
		q, err := s.queue(in.QueueURL)
		if err != nil {
			s.mu.Unlock()
			return nil, err
		}
		if deadline.IsZero() {
			wait := q.values["ReceiveMessageWaitTimeSeconds"]
			if in.WaitTimeSeconds != nil {
				wait = *in.WaitTimeSeconds
			}
			deadline = now.Add(time.Duration(wait) * time.Second)
		}
		found := s.take(q, limit, in, now)
		next, changed := q.next(deadline, now), q.changed
		s.mu.Unlock()
		if len(found) > 0 || !now.Before(deadline) {
			return map[string]any{"Messages": found}, nil
		}
		timer := time.NewTimer(next.Sub(now))
		select {
		case <-changed:
		case <-timer.C:
		case <-ctx.Done():
			timer.Stop()
			return map[string]any{}, nil
		}
		timer.Stop()
	}
}

// next is when there is something to look for again: the deadline, or before
// it the first message that becomes visible.
func (q *queue) next(deadline, now time.Time) time.Time {
	next := deadline
	for _, m := range q.messages {
		if m.visible.After(now) && m.visible.Before(next) {
			next = m.visible
		}
	}
	return next
}

// take receives up to limit messages, and moves to the dead-letter queue those
// that were received too often.
func (s *Server) take(q *queue, limit int, in *receiveRequest, now time.Time) []map[string]any {
	q.expire(now)
	timeout := q.seconds("VisibilityTimeout")
	if in.VisibilityTimeout != nil {
		timeout = time.Duration(*in.VisibilityTimeout) * time.Second
	}
	found := []map[string]any{}
	target := s.queues[q.dead.DeadLetterTargetARN]
	var kept []*message
	for _, m := range q.messages {
		ready := len(found) < limit && !m.visible.After(now)
		if ready && q.dead.count > 0 && m.received >= q.dead.count && target != nil && target != q {
			m.visible, m.received, m.receipt = now, 0, ""
			target.messages = append(target.messages, m)
			target.wake()
			continue
		}
		kept = append(kept, m)
		if !ready {
			continue
		}
		m.received++
		if m.first.IsZero() {
			m.first = now
		}
		m.visible, m.receipt = now.Add(timeout), m.id+":"+awsjson.RequestID()
		found = append(found, m.answer(in, s.account))
	}
	q.messages = kept
	return found
}

func (m *message) answer(in *receiveRequest, sender string) map[string]any {
	out := map[string]any{"MessageId": m.id, "ReceiptHandle": m.receipt, "Body": m.body, "MD5OfBody": digest(m.body)}
	system := map[string]string{
		"SenderId":                         sender,
		"SentTimestamp":                    strconv.FormatInt(m.sent.UnixMilli(), 10),
		"ApproximateReceiveCount":          strconv.Itoa(m.received),
		"ApproximateFirstReceiveTimestamp": strconv.FormatInt(m.first.UnixMilli(), 10),
	}
	wanted := append(slices.Clone(in.AttributeNames), in.MessageSystemAttributeNames...)
	maps.DeleteFunc(system, func(name, _ string) bool { return !slices.Contains(wanted, name) && !slices.Contains(wanted, "All") })
	if len(system) > 0 {
		out["Attributes"] = system
	}
	custom := maps.Clone(m.attributes)
	maps.DeleteFunc(custom, func(name string, _ attribute) bool { return !named(in.MessageAttributeNames, name) })
	if len(custom) > 0 {
		out["MessageAttributes"], out["MD5OfMessageAttributes"] = custom, attributesDigest(custom)
	}
	return out
}

// named says whether an attribute is asked for: by name, by "prefix.*", or by All.
func named(wanted []string, name string) bool {
	return slices.ContainsFunc(wanted, func(w string) bool {
		prefix, isPrefix := strings.CutSuffix(w, "*")
		return w == name || w == "All" || isPrefix && strings.HasPrefix(name, prefix)
	})
}
