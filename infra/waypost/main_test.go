package main

import (
	"bytes"
	"context"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/rogpeppe/go-internal/testscript"

	"github.com/waypost/waypost/infra/local"
	"github.com/waypost/waypost/shared/admin"
)

// TestMain puts the program itself on PATH, and what stands in for programs
// that a machine may lack.
func TestMain(m *testing.M) {
	testscript.Main(m, map[string]func(){"waypost": main, "waypost-test-curl": standInCurl, "waypost-test-aws": standInAWS})
}

// The command line, as scripts. They have commands of their own:
//
//	runtime        starts a runtime of the script's own, which commands find
//	execution      sets EXECUTION to the one that the last command printed
//	delivered STEP waits until that execution's step is reported to be delivered
//	mask FILE      writes to masked what FILE says, with words for what differs
//	               from run to run, and each gap of a table two spaces wide
//	aligned FILE   checks that the columns of FILE's tables stand under their heads
//	taken          sets PORT to one that is taken, and FREE to one that is not
//
// With UPDATE=1 in the environment they take what the program printed as what it must.
func TestScript(t *testing.T) {
	t.Parallel()
	testscript.Run(t, testscript.Params{
		Dir: "testdata/script", RequireExplicitExec: true, UpdateScripts: os.Getenv("UPDATE") != "",
		Setup: func(env *testscript.Env) error {
			root, err := filepath.Abs("../..")
			env.Setenv("ROOT", root)
			env.Setenv("EXAMPLE", filepath.Join(root, "statemachines", "examples", "order_ready"))
			return err
		},
		Cmds: map[string]func(ts *testscript.TestScript, neg bool, args []string){
			"runtime": runtimeCmd, "execution": executionCmd, "delivered": deliveredCmd, "mask": maskCmd, "aligned": alignedCmd, "taken": takenCmd,
		},
	})
}

func runtimeCmd(ts *testscript.TestScript, _ bool, _ []string) {
	rt, err := local.Start(context.Background(), local.Config{})
	ts.Check(err)
	ts.Defer(func() { ts.Check(rt.Close(context.Background())) })
	ts.Setenv("WAYPOST_URL", rt.URL)
	ts.Setenv("AWS_ENDPOINT_URL", rt.AWSURL)
}

func executionCmd(ts *testscript.TestScript, _ bool, _ []string) {
	ts.Setenv("EXECUTION", executionID.FindString(ts.ReadFile("stdout")))
}

func deliveredCmd(ts *testscript.TestScript, _ bool, args []string) {
	api, id := newClient(ts.Getenv("WAYPOST_URL")), ts.Getenv("EXECUTION")+"."+args[0]+".0"
	look := func() (bool, error) {
		var d admin.Delivery
		err := api.Do(context.Background(), http.MethodGet, deliveryPath(id), nil, &d)
		return d.Status == "delivered", err
	}
	ts.Check((pacing{first: localPoll, most: localPoll, limit: time.Minute}).until(context.Background(), time.Now(), look, func() {}))
}

func alignedCmd(ts *testscript.TestScript, _ bool, args []string) {
	var columns []int
	tables := false
	for line := range strings.Lines(ts.ReadFile(args[0])) {
		line = strings.TrimRight(line, "\n")
		head := strings.HasPrefix(line, "STEP ") || strings.HasPrefix(line, "JOURNEY ")
		if head || line == "" {
			columns, tables = nil, tables || head
		}
		if columns == nil {
			if head {
				for _, at := range regexp.MustCompile(`(^|  )\S`).FindAllStringIndex(line, -1) {
					columns = append(columns, at[1]-1)
				}
			}
			continue
		}
		if strings.TrimRight(line, " ") != line {
			ts.Fatalf("it ends with spaces: %q", line)
		}
		for _, at := range columns {
			if at < len(line) && (line[at] == ' ' || at > 0 && line[at-1] != ' ') {
				ts.Fatalf("column %d does not stand under its head: %q", at, line)
			}
		}
	}
	if !tables {
		ts.Fatalf("there is no table in %s", args[0])
	}
}

func takenCmd(ts *testscript.TestScript, _ bool, _ []string) {
	taken, err := net.Listen("tcp", "127.0.0.1:0")
	ts.Check(err)
	free, err := net.Listen("tcp", "127.0.0.1:0")
	ts.Check(err)
	ts.Defer(func() { _ = taken.Close() })
	for name, l := range map[string]net.Listener{"PORT": taken, "FREE": free} {
		_, port, err := net.SplitHostPort(l.Addr().String())
		ts.Check(err)
		ts.Setenv(name, port)
	}
	ts.Check(free.Close())
}

func maskCmd(ts *testscript.TestScript, _ bool, args []string) {
	text := ts.ReadFile(args[0])
	ts.Check(os.WriteFile(ts.MkAbs("masked"), []byte(masked(text)), 0o600))
}

var executionID = regexp.MustCompile(`\b[a-z2-7]{32}\b`)

var masks = []struct {
	pattern *regexp.Regexp
	with    string
}{
	{executionID, "EXECUTION"},
	{regexp.MustCompile(`\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z`), "TIME"},
	{regexp.MustCompile(`127\.0\.0\.1:\d+`), "LOOPBACK"},
	{regexp.MustCompile(`\d+\.\d+ ms`), "N ms"},
	{regexp.MustCompile(`(\S)   +`), "$1  "},
}

// masked puts words for what differs from run to run.
func masked(text string) string {
	for _, m := range masks {
		text = m.pattern.ReplaceAllString(text, m.with)
	}
	return text
}

func TestExitStatus(t *testing.T) {
	for _, tc := range []struct {
		line string
		want int
	}{
		{"--help", 0}, {"local --help", 0},
		{"trace --url=http://127.0.0.1:1 x", 1}, {"replay --url=http://127.0.0.1:1 x.text.0", 1}, {"apply nowhere", 1}, {"send nowhere.json", 1}, {"local --bundle=nowhere --port=0 --aws-port=0", 1},
		{"", 2}, {"--bogus", 2}, {"send", 2}, {"trace", 2}, {"replay", 2}, {"deplyo", 2}, {"local --port=http", 2}, {"local --example --bundle=x", 2},
	} {
		var stdout, stderr bytes.Buffer
		if got := run(t.Context(), strings.Fields(tc.line), &stdout, &stderr); got != tc.want {
			t.Errorf("waypost %s: got %d, want %d: %s", tc.line, got, tc.want, &stderr)
		}
		if (tc.want == 0) != (stderr.Len() == 0) {
			t.Errorf("waypost %s: ends with %d and says %q", tc.line, tc.want, &stderr)
		}
	}
}
