package main

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"regexp"
	"slices"
	"strconv"
	"strings"
)

// A stage is where scenarios are played: a DynamoDB, and a number for each.
type stage struct {
	url   string
	count int
}

// play makes a scenario's calls, on a new table, and gives their answers.
func (s *stage) play(ctx context.Context, sc scenario) ([]any, error) {
	s.count++
	table := fmt.Sprintf("scenario-%d", s.count)
	if made, err := s.call(ctx, table, "CreateTable", []byte(tableSpec)); err != nil {
		return nil, err
	} else if failure, ok := made["error"]; ok {
		return nil, fmt.Errorf("making the scenario's table: %v", failure)
	}
	answers := make([]any, len(sc.Calls))
	for i, c := range sc.Calls {
		answer, err := s.call(ctx, table, c.Do, c.In)
		if err != nil {
			return nil, fmt.Errorf("%s: call %d: %w", sc.About, i+1, err)
		}
		answers[i] = answer
	}
	_, err := s.call(ctx, table, "DeleteTable", []byte(`{}`))
	return answers, err
}

// call makes one call. The answer is the output, or what is compared of an
// error: its code, the item that a condition met, and a transaction's reasons.
func (s *stage) call(ctx context.Context, table, do string, in []byte) (map[string]any, error) {
	body, err := request(table, do, in)
	if err != nil {
		return nil, err
	}
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, s.url, bytes.NewReader(body))
	if err != nil {
		return nil, err
	}
	r.Header.Set("Content-Type", "application/x-amz-json-1.0")
	r.Header.Set("X-Amz-Target", "DynamoDB_20120810."+do)
	r.Header.Set("Authorization", "AWS4-HMAC-SHA256 Credential=test/20260101/us-east-1/dynamodb/aws4_request, SignedHeaders=host, Signature=00")
	res, err := http.DefaultClient.Do(r)
	if err != nil {
		return nil, err
	}
	defer func() { _ = res.Body.Close() }()
	said, err := io.ReadAll(res.Body)
	if err != nil {
		return nil, err
	}
	out := map[string]any{}
	if len(said) > 0 {
		if err := json.Unmarshal(said, &out); err != nil {
			return nil, fmt.Errorf("%s answered %d, not in JSON: %.200s", do, res.StatusCode, said)
		}
	}
	if res.StatusCode != http.StatusOK {
		out = failure(out)
	}
	delete(out, "ConsumedCapacity") // nobody asks for it, and DynamoDB Local gives it now and then
	return plain(out, table).(map[string]any), nil
}

// failure is what is compared of an error.
func failure(out map[string]any) map[string]any {
	kind, _ := out["__type"].(string)
	short := map[string]any{"error": kind[strings.LastIndex(kind, "#")+1:]}
	if it, ok := out["Item"]; ok {
		short["Item"] = it
	}
	if reasons, ok := out["CancellationReasons"].([]any); ok {
		for _, r := range reasons {
			if r, ok := r.(map[string]any); ok {
				delete(r, "Message")
			}
		}
		short["CancellationReasons"] = reasons
	}
	return short
}

var filler = regexp.MustCompile(`^\$x:(\d+)$`)

// request completes a call's input.
func request(table, do string, in []byte) ([]byte, error) {
	var v any
	if err := json.Unmarshal(in, &v); err != nil {
		return nil, err
	}
	v = each(v, func(s string) string {
		if m := filler.FindStringSubmatch(s); m != nil {
			n, _ := strconv.Atoi(m[1]) // digits
			return strings.Repeat("x", n)
		}
		return strings.ReplaceAll(s, "$T", table)
	})
	whole := v.(map[string]any)
	switch list, transaction := whole["TransactItems"].([]any); {
	case transaction:
		for _, member := range list {
			for _, write := range member.(map[string]any) {
				write.(map[string]any)["TableName"] = table
			}
		}
	case whole["RequestItems"] == nil && whole["TableName"] == nil:
		whole["TableName"] = table
	}
	return json.Marshal(whole)
}

// plain makes of an answer what is recorded: sets have no order.
func plain(v any, table string) any {
	v = each(v, func(s string) string {
		if len(s) > 200 && strings.Trim(s, "x") == "" {
			return fmt.Sprintf("$x:%d", len(s))
		}
		return strings.ReplaceAll(s, table, "$T")
	})
	sortSets(v)
	return v
}

func sortSets(v any) {
	switch v := v.(type) {
	case []any:
		for _, e := range v {
			sortSets(e)
		}
	case map[string]any:
		for kind, e := range v {
			if list, ok := e.([]any); ok && (kind == "SS" || kind == "NS" || kind == "BS") {
				slices.SortFunc(list, func(a, b any) int { return strings.Compare(fmt.Sprint(a), fmt.Sprint(b)) })
				continue
			}
			sortSets(e)
		}
	}
}

// each copies a JSON value with its texts and keys changed.
func each(v any, change func(string) string) any {
	switch v := v.(type) {
	case string:
		return change(v)
	case []any:
		out := make([]any, len(v))
		for i, e := range v {
			out[i] = each(e, change)
		}
		return out
	case map[string]any:
		out := map[string]any{}
		for k, e := range v {
			out[change(k)] = each(e, change)
		}
		return out
	}
	return v
}
