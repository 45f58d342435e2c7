package runtimeapi

import (
	"bytes"
	"context"
	"encoding/json"
	"log/slog"
	"strings"
	"sync"
)

// maxLine bounds a line, in bytes: what is longer is cut into several.
const maxLine = 64 << 10

// lines is what a process writes, line by line on its way into a log. A line
// that is a record in Lambda's JSON log format becomes that record again.
type lines struct {
	log *slog.Logger

	mu   sync.Mutex
	rest []byte // the line that has not ended
	text string // the last one that was no record
}

// Write takes a piece of the stream. It keeps none of p.
func (l *lines) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, piece := range bytes.SplitAfter(p, []byte("\n")) {
		l.rest = append(l.rest, piece...)
		if bytes.HasSuffix(piece, []byte("\n")) || len(l.rest) >= maxLine {
			l.end()
		}
	}
	return len(p), nil
}

// flush ends a line that its process did not.
func (l *lines) flush() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.end()
}

// last gives the last line that was no record: why a process died, if it said so.
func (l *lines) last() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text
}

func (l *lines) end() {
	line := strings.TrimSpace(string(l.rest))
	l.rest = l.rest[:0]
	if line == "" {
		return
	}
	if level, message, attrs, ok := record(line); ok {
		l.log.LogAttrs(context.Background(), level, message, attrs...)
		return
	}
	l.text = line
	l.log.Info("a function wrote", "line", line)
}

// record reads a line in Lambda's JSON log format: timestamp, level, message,
// and the record's own attributes, whose order it keeps.
func record(line string) (level slog.Level, message string, attrs []slog.Attr, ok bool) {
	dec := json.NewDecoder(strings.NewReader(line))
	if t, err := dec.Token(); err != nil || t != json.Delim('{') {
		return 0, "", nil, false
	}
	for dec.More() {
		key, err := dec.Token()
		if err != nil {
			return 0, "", nil, false
		}
		var value json.RawMessage
		if err := dec.Decode(&value); err != nil {
			return 0, "", nil, false
		}
		switch name := key.(string); name { // an object's keys are strings
		case "timestamp": // the record gets this log's own, a moment later
		case "level":
			if json.Unmarshal(value, &level) != nil {
				return 0, "", nil, false
			}
		case "message":
			ok = json.Unmarshal(value, &message) == nil
		default:
			attrs = append(attrs, slog.Any(name, value))
		}
	}
	return level, message, attrs, ok
}
