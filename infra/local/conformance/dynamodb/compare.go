package main

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http/httptest"
	"os"
	"path/filepath"
	"reflect"
	"regexp"
	"strings"
	"time"

	"github.com/waypost/waypost/infra/local/dynamo"
)

// folder is where testdata lies, from the project's root.
const folder = "infra/local/conformance/dynamodb/testdata"

// compare plays the scenarios on DynamoDB Local and on ours.
func compare(ctx context.Context, files []file, match *regexp.Regexp, url string) ([]verdict, error) {
	local := httptest.NewServer(dynamo.New(dynamo.Options{}))
	defer local.Close()
	theirs, ours := &stage{url: url}, &stage{url: local.URL}
	var verdicts []verdict
	for _, f := range files {
		for _, sc := range f.scenarios {
			v := verdict{name: f.name + "/" + sc.About, excuse: sc.Why}
			if !match.MatchString(v.name) {
				continue
			}
			wrong, err := differences(ctx, theirs, sc, "DynamoDB Local", func(c call) json.RawMessage { return c.Answer })
			if err != nil {
				return nil, err
			}
			more, err := differences(ctx, ours, sc, "ours", expected)
			if err != nil {
				return nil, err
			}
			v.wrong = append(wrong, more...)
			verdicts = append(verdicts, v)
		}
	}
	return verdicts, nil
}

// expected is what ours must answer.
func expected(c call) json.RawMessage {
	if c.Ours != nil {
		return c.Ours
	}
	return c.Answer
}

// differences plays a scenario and lists what is not answered as it should be.
func differences(ctx context.Context, s *stage, sc scenario, who string, want func(call) json.RawMessage) ([]string, error) {
	answers, err := s.play(ctx, sc)
	if err != nil {
		return nil, err
	}
	var list []string
	for i, c := range sc.Calls {
		var w any
		if err := json.Unmarshal(want(c), &w); err != nil {
			return nil, fmt.Errorf("%s: call %d: the recorded answer: %w", sc.About, i+1, err)
		}
		if !reflect.DeepEqual(w, answers[i]) {
			list = append(list, fmt.Sprintf("call %d, %s: %s answered %s, recorded is %s", i+1, c.Do, who, compact(answers[i]), compact(w)))
		}
	}
	return list, nil
}

func compact(v any) []byte {
	b, _ := json.Marshal(v) // it came from JSON
	return b
}

// record writes what DynamoDB Local answers into testdata.
func record(ctx context.Context, files []file, url string) error {
	s := &stage{url: url}
	for _, f := range files {
		for _, sc := range f.scenarios {
			answers, err := s.play(ctx, sc)
			if err != nil {
				return err
			}
			for i := range sc.Calls {
				sc.Calls[i].Answer = compact(answers[i])
			}
		}
		b, err := f.encode()
		if err != nil {
			return err
		}
		if err := os.WriteFile(filepath.Join(folder, f.name+".json"), b, 0o644); err != nil {
			return fmt.Errorf("%w; -update is for the project's root folder", err)
		}
	}
	return nil
}

// report prints what failed, the known differences, and the counts.
func report(out io.Writer, verdicts []verdict, took time.Duration) error {
	failed := 0
	for _, v := range verdicts {
		if len(v.wrong) > 0 {
			failed++
			fmt.Fprintf(out, "%s\n  %s\n", v.name, strings.Join(v.wrong, "\n  "))
		}
	}
	fmt.Fprintf(out, "Where DynamoDB Local %s and the local runtime are known to differ:\n", version)
	for _, v := range verdicts {
		if v.excuse != "" {
			fmt.Fprintf(out, "  %s: %s\n", v.name, v.excuse)
		}
	}
	fmt.Fprintf(out, "\nDynamoDB adapters and requests, in %.0fs:\n%d passed, %d failed\n", took.Seconds(), len(verdicts)-failed, failed)
	if failed > 0 {
		return fmt.Errorf("%d of %d tests and scenarios failed", failed, len(verdicts))
	}
	return nil
}
