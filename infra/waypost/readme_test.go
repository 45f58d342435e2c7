package main

import (
	"cmp"
	"encoding/json"
	"fmt"
	"io/fs"
	"net/http"
	"os"
	"os/exec"
	"path"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"
)

// documents are the README and those that it leads to, in the order in which
// what they say is done.
var documents = []string{"README.md", "shared/README.md", "infra/providers/README.md", "infra/stack/README.md", "infra/emulator/README.md"}

// A block is a fenced block of a document: commands (sh), or what the block
// before it prints (text).
type block struct {
	kind, text string
	at         string // "README.md:12"
}

func (b block) document() string { name, _, _ := strings.Cut(b.at, ":"); return name }

// blocks splits a document. prose is what stands outside of blocks.
func blocks(t *testing.T, document string) (found []block, prose string) {
	t.Helper()
	var b *block
	for n, line := range strings.Split(readFile(t, document), "\n") {
		at := fmt.Sprintf("%s:%d", document, n+1)
		fence, isFence := strings.CutPrefix(line, "```")
		switch {
		case isFence && b == nil:
			b = &block{kind: fence, at: at}
			if fence != "sh" && fence != "text" {
				t.Errorf("%s: a block is sh or text, not %q", at, fence)
			}
		case isFence:
			found, b = append(found, *b), nil
		case b != nil:
			b.text += line + "\n"
		default:
			if strings.HasPrefix(line, "    ") {
				t.Errorf("%s: an indented block is neither commands nor output: fence it", at)
			}
			prose += line + "\n"
		}
	}
	if b != nil {
		t.Fatalf("%s: the block does not end", b.at)
	}
	return found, prose
}

// commandsOf splits a block of shell into commands: one goes on to the next
// line where a quote is open.
func commandsOf(text string) []string {
	var out []string
	open := ""
	for line := range strings.Lines(text) {
		open += line
		if strings.Count(open, "'")%2 == 0 {
			out = append(out, strings.TrimSpace(open))
			open = ""
		}
	}
	if open != "" {
		out = append(out, open)
	}
	return out
}

// A reader does what the README says, one block after the other.
type reader struct {
	t         *testing.T
	running   *program
	url, aws  string // of what is running
	home      string
	execution string   // the last one that was printed
	printed   string   // by the last block
	set       []string // the commands so far that only set variables
	replaced  [][2]string
}

var (
	urls     = regexp.MustCompile(`AWS APIs at (\S+), everything else at (\S+)`)
	setup    = regexp.MustCompile(`^(export )?[A-Z_]+=\S*( [A-Z_]+=\S*)*$`)
	waypost  = regexp.MustCompile(`^go run \./infra/waypost (send|trace|apply|replay) `)
	requests = regexp.MustCompile(`^(curl|aws) `)
	// needsAccount are the commands that need one of AWS. aws_test.go has what they do
	// before they reach it.
	needsAccount = regexp.MustCompile(`^make (diff|deploy|destroy)$| --stack `)
	// needsDocker are the commands of SAM and LocalStack, which run functions in
	// containers. The README says that nobody ran them.
	needsDocker = regexp.MustCompile(`^sam |127\.0\.0\.1:3001|localstack\.cloud|^npx .* bootstrap aws://000000000000/`)
	// byCI are blocks whose commands .ci/run runs, not this test: what they print is not compared.
	byCI     = regexp.MustCompile(`^make emulate\n$`)
	sendHint = regexp.MustCompile(`(?m)^Send +(curl .+)$`)
	links    = regexp.MustCompile(`\]\(([^):]+)\)`)
	inCode   = regexp.MustCompile("`((?:make|go|curl|aws|waypost) [^`]*)`")
)

// The documents are all that there are, and each that one leads to is there.
func TestDocuments(t *testing.T) {
	t.Parallel()
	made := []string{"build", "cdk.out", "node_modules"} // folders of no commit
	var found []string
	err := filepath.WalkDir("../..", func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() && (d.Name() != ".." && strings.HasPrefix(d.Name(), ".") || slices.Contains(made, d.Name())) {
			return cmp.Or(err, fs.SkipDir)
		}
		if d.Name() == "README.md" {
			name, err := filepath.Rel("../..", path)
			found = append(found, filepath.ToSlash(name))
			return err
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	if want := slices.Sorted(slices.Values(documents)); !slices.Equal(slices.Sorted(slices.Values(found)), want) {
		t.Errorf("got %q, want %q: a new one is run by TestReadme once it is listed", found, want)
	}
	for _, document := range documents {
		_, prose := blocks(t, document)
		for _, m := range links.FindAllStringSubmatch(prose, -1) {
			if target := path.Join(path.Dir(document), m[1]); !slices.Contains(documents, target) {
				t.Errorf("%s leads to %s, which is none of the documents", document, target)
			}
		}
	}
}

// Every command that the documents give is run, against a runtime that was
// started as it says, and prints what it says. make's targets, but for run and
// help, are run by .ci/run.
func TestReadme(t *testing.T) {
	t.Parallel()
	var found []block
	var prose string
	for _, document := range documents {
		blocks, text := blocks(t, document)
		found, prose = append(found, blocks...), prose+text
	}
	r := &reader{t: t, home: t.TempDir()}
	if err := os.WriteFile(filepath.Join(r.home, ".curlrc"), []byte("fail-with-body\nsilent\nshow-error\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"curl", "aws"} {
		if _, err := exec.LookPath(name); err != nil {
			t.Logf("there is no %s on this machine: its requests are made by Go instead", name)
			r.replaced = append(r.replaced, [2]string{name + " ", "waypost-test-" + name + " "})
		}
	}
	var commands []string
	for i, b := range found {
		switch {
		case b.kind == "sh":
			cs := commandsOf(b.text)
			commands = append(commands, cs...)
			r.do(b.at, cs)
		case i > 0 && found[i-1].kind == "sh" && found[i-1].document() == b.document() && !byCI.MatchString(found[i-1].text):
			if got, want := masked(r.printed), masked(b.text); !strings.Contains(got, want) {
				t.Errorf("%s: says\n%s\nbut what is printed is\n%s", b.at, want, got)
			}
		}
	}
	for _, m := range inCode.FindAllStringSubmatch(prose, -1) {
		if needsAccount.MatchString(m[1]) {
			continue
		}
		if strings.HasPrefix(m[1], "make ") {
			r.make(m[1], prose)
		} else if !slices.Contains(commands, m[1]) {
			t.Errorf("nothing runs `%s`: give it in a block", m[1])
		}
	}
	r.received("Ada, your 3 items are waiting.")
	for _, command := range []string{"make run", "make test"} {
		if !slices.Contains(commands, command) {
			t.Errorf("README.md: %s is one of the two commands that it must give", command)
		}
	}
}

// do does what a block says.
func (r *reader) do(at string, commands []string) {
	r.t.Helper()
	var script []string
	for _, c := range commands {
		switch {
		case c == "make run":
			if !strings.Contains(readFile(r.t, "Makefile"), "\t@go run ./infra/waypost local --example $(ARGS)\n") {
				r.t.Error("Makefile: run does not do what this test does in its place")
			}
			r.start("local", "--example")
		case c == "go run ./infra/waypost local":
			r.start("local")
		case needsAccount.MatchString(c):
			r.t.Logf("%s: %s needs an account of AWS", at, c)
		case needsDocker.MatchString(c):
			r.t.Logf("%s: %s needs Docker", at, c)
		case strings.HasPrefix(c, "make "):
			r.make(c, "")
		case waypost.MatchString(c), requests.MatchString(c), setup.MatchString(c):
			script = append(script, c)
		default:
			r.t.Errorf("%s: this test does not know how to run %q", at, c)
		}
	}
	r.set = append(r.set, slices.DeleteFunc(slices.Clone(script), func(c string) bool { return !setup.MatchString(c) })...)
	for _, c := range script {
		r.shell(at, append(slices.Clone(r.set), c))
	}
}

// start starts a program in place of the one that runs.
func (r *reader) start(args ...string) {
	r.t.Helper()
	if r.running != nil {
		if status, _, stderr := r.running.signal(os.Interrupt); status != 0 {
			r.t.Errorf("it ended with %d: %s", status, stderr)
		}
	}
	r.running = start(r.t, "../..", append(args, "--port=0", "--aws-port=0")...)
	r.printed = r.running.until("Ctrl-C ends it")
	m := urls.FindStringSubmatch(r.printed)
	if m == nil {
		r.t.Fatalf("it does not say where it serves: %s", r.printed)
	}
	r.aws, r.url = m[1], m[2]
	printed := r.printed
	if m := sendHint.FindStringSubmatch(printed); m != nil { // what it proposes works as it stands
		r.shell("what it proposes", m[1:])
	} else if slices.Contains(args, "--example") {
		r.t.Errorf("it does not say how to send an event: %s", printed)
	}
	r.printed = printed
}

// shell runs a command in a shell, at the root of the repository.
func (r *reader) shell(at string, script []string) {
	r.t.Helper()
	text := strings.NewReplacer("http://127.0.0.1:8480", r.url, "http://127.0.0.1:4566", r.aws, "EXECUTION", r.execution,
		"go run ./infra/waypost", "WAYPOST_URL="+r.url+" AWS_ENDPOINT_URL="+r.aws+" waypost").Replace(strings.Join(script, "\n"))
	for _, by := range r.replaced {
		text = regexp.MustCompile(`(?m)^`+by[0]).ReplaceAllLiteralString(text, by[1])
	}
	cmd := exec.CommandContext(r.t.Context(), "sh", "-e", "-c", text)
	cmd.Dir, cmd.Env = "../..", []string{"PATH=" + os.Getenv("PATH"), "HOME=" + r.home}
	var stderr strings.Builder
	cmd.Stderr = &stderr
	out, err := cmd.Output()
	if err != nil {
		r.t.Fatalf("%s: %v\n%s\n%s%s", at, err, text, out, &stderr)
	}
	r.printed = string(out)
	// The reader looks a moment later, when what was begun has ended.
	for _, name := range executionID.FindAllString(r.printed, -1) {
		r.execution = name
		look := func() (bool, error) {
			x, err := traceOf(r.t.Context(), newClient(r.url), name)
			return ended(x), err
		}
		if err := (pacing{first: localPoll, most: localPoll}).until(r.t.Context(), time.Now(), look, func() {}); err != nil {
			r.t.Fatalf("%s: %v", at, err)
		}
	}
}

// make sees that CI runs a target, or runs it where it is quick. make help must
// list the targets that prose names.
func (r *reader) make(command, prose string) {
	r.t.Helper()
	if command == "make help" {
		if _, err := exec.LookPath("make"); err != nil {
			r.t.Log("there is no make on this machine: make help was not run")
			return
		}
		cmd := exec.CommandContext(r.t.Context(), "make", "help")
		cmd.Dir = "../.."
		out, err := cmd.Output()
		if err != nil {
			r.t.Fatalf("make help: %v", err)
		}
		for _, m := range inCode.FindAllStringSubmatch(prose, -1) {
			if words := strings.Fields(m[1]); words[0] == "make" && !strings.Contains(string(out), "make "+words[1]+" ") {
				r.t.Errorf("make help does not list %s, which the documents give", m[1])
			}
		}
		return
	}
	// CI builds for the machine that it is on, and ends what it runs.
	ci := strings.NewReplacer(`"$(go env GOARCH)"`, "amd64", "'--once --binaries", "'--binaries").Replace(readFile(r.t, ".ci/run"))
	if !slices.ContainsFunc(strings.Split(ci, "\n"), func(line string) bool {
		return line == "step "+command || strings.HasPrefix(line, "step "+command+" ")
	}) {
		r.t.Errorf(".ci/run does not run %s", command)
	}
}

// received sees that the inbox has one request whose body has the text.
func (r *reader) received(text string) {
	r.t.Helper()
	res, err := http.Get(r.url + "/inbox.json")
	if err != nil {
		r.t.Fatal(err)
	}
	defer func() { _ = res.Body.Close() }()
	var inbox struct {
		Messages []struct{ Path, Body string }
	}
	if err := json.NewDecoder(res.Body).Decode(&inbox); err != nil {
		r.t.Fatal(err)
	}
	var got []string
	for _, m := range inbox.Messages {
		if m.Path == "/providers/sink/reminders" {
			got = append(got, m.Body)
		}
	}
	if want := []string{`{"text":"` + text + `"}`}; !slices.Equal(got, want) {
		r.t.Errorf("the inbox has %q, want %q", got, want)
	}
}

func readFile(t *testing.T, name string) string {
	t.Helper()
	data, err := os.ReadFile(filepath.Join("../..", name))
	if err != nil {
		t.Fatal(err)
	}
	return string(data)
}
