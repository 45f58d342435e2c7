package journey

import (
	"bytes"
	"encoding/json"
)

// A machine is a definition in Amazon States Language, whose states are
// written in the order in which they were added: the order of the journey.
type machine struct {
	Comment        string `json:"Comment,omitempty"`
	StartAt        string `json:"StartAt"`
	TimeoutSeconds int    `json:"TimeoutSeconds,omitempty"`
	States         states `json:"States"`
}

type states struct {
	names []string
	byID  map[string]*state
}

func (s *states) add(name string, st *state) {
	if s.byID == nil {
		s.byID = map[string]*state{}
	}
	s.names = append(s.names, name)
	s.byID[name] = st
}

// MarshalJSON writes the states in order.
func (s states) MarshalJSON() ([]byte, error) {
	var b bytes.Buffer
	b.WriteByte('{')
	for i, name := range s.names {
		if i > 0 {
			b.WriteByte(',')
		}
		key, err := json.Marshal(name)
		if err != nil {
			return nil, err
		}
		value, err := marshal(s.byID[name])
		if err != nil {
			return nil, err
		}
		b.Write(key)
		b.WriteByte(':')
		b.Write(value)
	}
	b.WriteByte('}')
	return b.Bytes(), nil
}

// A state is any state; each type uses the keys that are its own.
type state struct {
	Type           string         `json:"Type"`
	Comment        string         `json:"Comment,omitempty"`
	Resource       string         `json:"Resource,omitempty"`
	Parameters     any            `json:"Parameters,omitempty"`
	ResultSelector map[string]any `json:"ResultSelector,omitempty"`
	ResultPath     string         `json:"ResultPath,omitempty"`
	TimeoutSeconds int            `json:"TimeoutSeconds,omitempty"`
	Seconds        int            `json:"Seconds,omitempty"`
	TimestampPath  string         `json:"TimestampPath,omitempty"`
	Choices        []choice       `json:"Choices,omitempty"`
	Default        string         `json:"Default,omitempty"`
	ErrorPath      string         `json:"ErrorPath,omitempty"`
	CausePath      string         `json:"CausePath,omitempty"`
	Retry          []retrier      `json:"Retry,omitempty"`
	Catch          []catcher      `json:"Catch,omitempty"`
	Next           string         `json:"Next,omitempty"`
	End            bool           `json:"End,omitempty"`
}

type choice struct {
	Variable      string `json:"Variable"`
	NumericEquals *int   `json:"NumericEquals"`
	Next          string `json:"Next"`
}

type retrier struct {
	ErrorEquals     []string `json:"ErrorEquals"`
	IntervalSeconds int      `json:"IntervalSeconds"`
	BackoffRate     float64  `json:"BackoffRate"`
	MaxAttempts     int      `json:"MaxAttempts"`
	MaxDelaySeconds int      `json:"MaxDelaySeconds"`
	JitterStrategy  string   `json:"JitterStrategy"`
}

type catcher struct {
	ErrorEquals []string `json:"ErrorEquals"`
	ResultPath  string   `json:"ResultPath"`
	Next        string   `json:"Next"`
}

// marshal is json.Marshal without the escaping of HTML, which would make
// expressions with < and > hard to read.
func marshal(v any) ([]byte, error) {
	var b bytes.Buffer
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false)
	err := enc.Encode(v)
	return bytes.TrimRight(b.Bytes(), "\n"), err
}
