package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/google/go-cmp/cmp"

	"github.com/waypost/waypost/infra/providers/inbox"
)

// What is missing is said with the way to get it; it fails only where it is required.
func TestSkipped(t *testing.T) {
	t.Setenv("PATH", t.TempDir())
	var out bytes.Buffer
	if err := run(context.Background(), nil, &out); err != nil {
		t.Fatal(err)
	}
	if got := out.String(); !strings.HasPrefix(got, "emulator: skipped: ") {
		t.Errorf("got %q", got)
	}
	if err := run(context.Background(), []string{"-require"}, &out); err == nil {
		t.Error("with -require: got no error")
	}
}

func TestReport(t *testing.T) {
	var out bytes.Buffer
	r := &report{out: &out, began: time.Now()}
	r.step("Deploying %s", "it")
	if err := r.check("one", equal(1, 1)); err != nil {
		t.Error(err)
	}
	if err := r.check("two", errors.New("got 1\nwant 2\n")); err == nil {
		t.Error("a failed check gave no error")
	}
	if err := r.end(); err == nil || err.Error() != "1 of 2 checks failed" {
		t.Errorf("got %v", err)
	}
	want := "\nDeploying it  (0 s)\n  ok    one\n  FAIL  two: got 1\n        want 2\n\n1 passed, 1 failed, in 0 s\n"
	if d := cmp.Diff(want, out.String()); d != "" {
		t.Error(d)
	}
	if err := (&report{out: &out, passed: 3}).end(); err != nil {
		t.Error(err)
	}
}

// The commands find the emulator and its keys, and nothing of this machine's
// AWS settings.
func TestEnvironment(t *testing.T) {
	t.Setenv("AWS_PROFILE", "real")
	t.Setenv("AWS_SECRET_ACCESS_KEY", "real")
	t.Setenv("CDK_DEFAULT_ACCOUNT", "real")
	w := &world{dir: "/dir", emulator: &ministack{url: "https://127.0.0.1:1"}, certificate: &certificate{certFile: "/dir/c.pem"}}
	env, err := w.environment(context.Background(), aws.Config{Credentials: credentials.NewStaticCredentialsProvider("AKIAFAKE", "fake", "")})
	if err != nil {
		t.Fatal(err)
	}
	text := strings.Join(env, "\n")
	if strings.Contains(text, "real") {
		t.Errorf("a real setting is in\n%s", text)
	}
	for _, want := range []string{"AWS_ENDPOINT_URL=https://127.0.0.1:1", "AWS_ACCESS_KEY_ID=AKIAFAKE", "AWS_SECRET_ACCESS_KEY=fake", "NODE_EXTRA_CA_CERTS=/dir/c.pem", "PATH="} {
		if !strings.Contains(text, want) {
			t.Errorf("there is no %s in\n%s", want, text)
		}
	}
}

func TestCommand(t *testing.T) {
	var out bytes.Buffer
	w := &world{report: &report{out: &out}}
	said, err := w.command(context.Background(), nil, everyLine, "/bin/sh", "-c", "echo one; echo two >&2; exit 3")
	if err == nil || !strings.Contains(err.Error(), "exit status 3\none\ntwo") {
		t.Errorf("got %v", err)
	}
	if got, want := said, "one\ntwo\n"; got != want {
		t.Errorf("it said %q, want %q", got, want)
	}
	if got, want := out.String(), "  one\n  two\n"; got != want {
		t.Errorf("it showed %q, want %q", got, want)
	}
}

func TestProgress(t *testing.T) {
	show := progress()
	var got []string
	for _, done := range []int{0, 1, 26, 27, 28, 80, 81, 108} {
		if text, ok := show(fmt.Sprintf("waypost-dev | %3d/108 | 8:29:05 AM | CREATE_COMPLETE | AWS::Lambda::Url | Url", done)); ok {
			got = append(got, strings.TrimSpace(text))
		}
	}
	if text, ok := show("Bundling asset"); ok {
		got = append(got, text)
	}
	if d := cmp.Diff([]string{"0 of 108", "27 of 108", "80 of 108", "81 of 108", "108 of 108"}, got); d != "" {
		t.Error(d)
	}
}

func TestLastLines(t *testing.T) {
	if got, want := lastLines("a\nb\nc\n", 2), "b\nc"; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
	if got, want := lastLines("a\n", 2), "a"; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
}

// What arrives is compared without what differs from run to run, but with what
// was refused.
func TestReceived(t *testing.T) {
	got := received([]inbox.Message{
		{Channel: "sms", Provider: "twilio", To: "+15550100001", Text: "Hi", Body: "To=%2B15550100001", Status: 201},
		{Channel: "loyalty", Body: `{"points": 84, "member": "L-1"}`, Status: 201},
		{Channel: "loyalty", Body: "not JSON", Status: 400},
		{Channel: "signage", Body: `{"version": 7}`, Screen: &inbox.Screen{Name: "Harbour", Headline: "Open", Version: 7}, Status: 200},
	})
	want := []string{`loyalty: not JSON (answered 400)`, `loyalty: {"member":"L-1","points":84}`, `signage: Harbour shows Open`, `sms/twilio to +15550100001: Hi`}
	if d := cmp.Diff(want, got); d != "" {
		t.Error(d)
	}
}

func TestMatches(t *testing.T) {
	const both = `{ ($.message = "delivery settled") && ($.outcome = "sent") }`
	for _, tc := range []struct {
		pattern, line string
		want          bool
	}{
		{both, `{"message": "delivery settled", "outcome": "sent", "step": "text"}`, true},
		{both, `{"message": "delivery settled", "outcome": "failed"}`, false},
		{both, `{"message": "delivery settled"}`, false},
		{both, `delivery settled, outcome sent`, false},
		{`{ $.level = "ERROR" }`, `{"level": "ERROR"}`, true},
		{`{ $.level = "ERROR" }`, `{"level": 7}`, false},
		{`{ ($.message = "callback refused") && ($.status = 403) }`, `{"message": "callback refused", "status": 403}`, true},
		{`{ ($.message = "callback refused") && ($.status = 403) }`, `{"message": "callback refused", "status": 404}`, false},
		{`{ $.status = 403 }`, `{"status": "403"}`, false},
		{`{ $.status = 403 }`, `{"status": {}}`, false},
	} {
		got, err := matches(tc.pattern, tc.line)
		if err != nil || got != tc.want {
			t.Errorf("%s on %s: got %v, %v, want %v", tc.pattern, tc.line, got, err, tc.want)
		}
	}
	for _, unknown := range []string{`ERROR`, `{ $.ms > 5 }`, `{ ($.a = "b") || ($.c = "d") }`} {
		if _, err := matches(unknown, `{}`); err == nil {
			t.Errorf("%s: got no error", unknown)
		}
	}
}

func TestResource(t *testing.T) {
	w := &world{physical: map[string]string{"Profiles4FC22479": "the-profiles", "ProfilesScalingRole0123ABCD": "another"}}
	if got, want := w.resource("Profiles"), "the-profiles"; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
	if got := w.resource("Nothing"); got != "" {
		t.Errorf("got %q for what is not there", got)
	}
}

func TestSummary(t *testing.T) {
	got := summary(map[string]int{"AWS::SQS::Queue": 3, "AWS::IAM::Role": 8, "AWS::Events::Rule": 3})
	if want := "8 IAM::Role, 3 Events::Rule, 3 SQS::Queue"; got != want {
		t.Errorf("got %s, want %s", got, want)
	}
}

func TestUntil(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		left := 3
		if err := until(t.Context(), time.Minute, func() error {
			if left--; left > 0 {
				return errors.New("not yet")
			}
			return nil
		}); err != nil {
			t.Error(err)
		}
		began := time.Now()
		if err := until(t.Context(), time.Minute, func() error { return errors.New("never") }); err == nil || !strings.Contains(err.Error(), "never") {
			t.Errorf("got %v", err)
		}
		if got, want := time.Since(began), time.Minute; got != want {
			t.Errorf("it gave up after %v, want %v", got, want)
		}
	})
}

// Each thing that a run does not show says why, and what covers it.
func TestBounds(t *testing.T) {
	for _, b := range bounds() {
		if b[0] == "" || b[1] == "" || b[2] == "" {
			t.Errorf("%v is not whole", b)
		}
	}
	var out bytes.Buffer
	if err := printBounds(&out); err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{"Whose the parts were:", emulator.Version, "What AWS does and the emulator does not:", "COVERED BY"} {
		if !strings.Contains(out.String(), want) {
			t.Errorf("there is no %q in\n%s", want, &out)
		}
	}
}
