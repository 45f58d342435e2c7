package main

import (
	"bytes"
	"context"
	_ "embed"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"time"
)

// version is the DynamoDB Local that the recorded answers are of.
const version = "3.3.1"

// tools are the programs that it takes: javac stands for a Development Kit,
// which the launcher's source needs.
var tools = []string{"java", "javac", "mvn"}

// A missingTool says that this machine lacks a program.
type missingTool struct{ name string }

func (m *missingTool) Error() string { return m.name + " not found" }

// pom asks Maven for DynamoDB Local with its libraries, native ones too.
const pom = `<project xmlns="http://maven.apache.org/POM/4.0.0">
  <modelVersion>4.0.0</modelVersion>
  <groupId>waypost</groupId><artifactId>dynamodb-local</artifactId><version>1</version>
  <dependencies><dependency>
    <groupId>software.amazon.dynamodb</groupId><artifactId>DynamoDBLocal</artifactId><version>VERSION</version>
  </dependency></dependencies>
</project>
`

// copyLibraries is the goal that copies them, of a version that is pinned too.
const copyLibraries = "org.apache.maven.plugins:maven-dependency-plugin:3.6.1:copy-dependencies"

//go:embed Loopback.java
var launcher []byte

// install fetches DynamoDB Local to the user's cache folder, unless it is
// there, and gives the folder: lib holds its libraries.
func install(ctx context.Context, out io.Writer) (string, error) {
	for _, tool := range tools {
		if _, err := exec.LookPath(tool); err != nil {
			return "", &missingTool{tool}
		}
	}
	cache, err := os.UserCacheDir()
	if err != nil {
		return "", err
	}
	dir := filepath.Join(cache, "waypost", "dynamodb-local-"+version)
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return "", err
	}
	if err := os.WriteFile(filepath.Join(dir, "Loopback.java"), launcher, 0o644); err != nil {
		return "", err
	}
	done := filepath.Join(dir, "installed")
	if _, err := os.Stat(done); err == nil {
		return dir, nil
	}
	fmt.Fprintf(out, "conformance: fetching DynamoDB Local %s to %s\n", version, dir)
	if err := os.WriteFile(filepath.Join(dir, "pom.xml"), []byte(strings.Replace(pom, "VERSION", version, 1)), 0o644); err != nil {
		return "", err
	}
	cmd := exec.CommandContext(ctx, "mvn", "-B", "-q", copyLibraries, "-DincludeScope=runtime", "-DoutputDirectory="+filepath.Join(dir, "lib"))
	cmd.Dir = dir
	if said, err := cmd.CombinedOutput(); err != nil {
		return "", fmt.Errorf("fetching DynamoDB Local with Maven: %w\n%s", err, said)
	}
	return dir, os.WriteFile(done, nil, 0o644) // only now: an interrupted install is made again
}

// A server is a running DynamoDB Local.
type server struct {
	url   string
	cmd   *exec.Cmd
	stdin io.Closer // it ends with this, so that it can't outlive us
}

// start starts it, and waits until it answers.
func start(ctx context.Context, dir string) (*server, error) {
	port, err := freePort()
	if err != nil {
		return nil, err
	}
	lib := filepath.Join(dir, "lib")
	cmd := exec.Command("java", "-Djava.library.path="+lib, "-cp", filepath.Join(lib, "*"), filepath.Join(dir, "Loopback.java"),
		"-inMemory", "-disableTelemetry", "-port", strconv.Itoa(port))
	cmd.Env = append(os.Environ(), "DDB_LOCAL_TELEMETRY=0")
	said := &bytes.Buffer{}
	cmd.Stdout, cmd.Stderr = said, said
	stdin, err := cmd.StdinPipe()
	if err != nil {
		return nil, err
	}
	if err := cmd.Start(); err != nil {
		return nil, fmt.Errorf("starting DynamoDB Local: %w", err)
	}
	s := &server{url: "http://127.0.0.1:" + strconv.Itoa(port), cmd: cmd, stdin: stdin}
	if err := s.ready(ctx); err != nil {
		s.stop()
		return nil, fmt.Errorf("%w\n%s", err, said)
	}
	return s, nil
}

func (s *server) ready(ctx context.Context) error {
	deadline := time.After(60 * time.Second)
	for {
		r, err := http.NewRequestWithContext(ctx, http.MethodGet, s.url, nil)
		if err != nil {
			return err
		}
		if res, err := http.DefaultClient.Do(r); err == nil {
			return res.Body.Close() // whatever it answers
		}
		select {
		case <-deadline:
			return errors.New("DynamoDB Local did not answer within a minute")
		case <-ctx.Done():
			return ctx.Err()
		case <-time.After(100 * time.Millisecond):
		}
	}
}

// stop ends the process that start started.
func (s *server) stop() {
	_ = s.stdin.Close()
	ended := make(chan struct{})
	go func() {
		_ = s.cmd.Wait()
		close(ended)
	}()
	select {
	case <-ended:
	case <-time.After(5 * time.Second):
		_ = s.cmd.Process.Kill()
		<-ended
	}
}

func freePort() (int, error) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return 0, err
	}
	defer func() { _ = l.Close() }()
	return l.Addr().(*net.TCPAddr).Port, nil
}
