package main

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
)

// environment is what the product's commands and the CDK find, when they are
// run by someone on the emulated AWS: the AWS settings, and nothing of the AWS
// or CDK settings that this machine may have.
func (w *world) environment(ctx context.Context, who aws.Config) ([]string, error) {
	keys, err := who.Credentials.Retrieve(ctx)
	if err != nil {
		return nil, err
	}
	env := without(os.Environ(), "AWS_", "CDK_", "WAYPOST_")
	return append(env,
		"AWS_ENDPOINT_URL="+w.emulator.url, "AWS_ENDPOINT_URL_S3="+w.emulator.url, "AWS_REGION="+region,
		"AWS_ACCESS_KEY_ID="+keys.AccessKeyID, "AWS_SECRET_ACCESS_KEY="+keys.SecretAccessKey,
		"AWS_CONFIG_FILE="+os.DevNull, "AWS_SHARED_CREDENTIALS_FILE="+os.DevNull, "AWS_EC2_METADATA_DISABLED=true",
		"AWS_CA_BUNDLE="+w.certificate.certFile, "NODE_EXTRA_CA_CERTS="+w.certificate.certFile,
		"NODE_OPTIONS=--no-warnings", // of versions to come
		"CDK_OUTPUT="+filepath.Join(w.dir, "cdk.out"), "CDK_NOTICES=false", "CDK_DISABLE_CLI_TELEMETRY=true",
	), nil
}

// reachingURLs adds what leads the command line to function URLs. The CDK app
// must not have it: go run may have modules to fetch.
func (w *world) reachingURLs(env []string) []string {
	return append(env, "HTTPS_PROXY="+w.proxy.String(), "SSL_CERT_FILE="+w.certificate.certFile)
}

// without leaves out the variables whose names begin so.
func without(env []string, prefixes ...string) []string {
	var out []string
next:
	for _, v := range env {
		for _, p := range prefixes {
			if strings.HasPrefix(v, p) {
				continue next
			}
		}
		out = append(out, v)
	}
	return out
}

// command runs a command, shows each line of what it says that show keeps, and
// gives all of it. Its error has the last lines.
func (w *world) command(ctx context.Context, env []string, show func(line string) (string, bool), name string, args ...string) (string, error) {
	ctx, cancel := context.WithTimeout(ctx, 15*time.Minute)
	defer cancel()
	cmd := exec.CommandContext(ctx, name, args...)
	cmd.Env, cmd.Cancel, cmd.WaitDelay = env, func() error { return cmd.Process.Signal(os.Interrupt) }, 10*time.Second
	read, write := io.Pipe()
	cmd.Stdout, cmd.Stderr = write, write
	var all strings.Builder
	done := make(chan struct{})
	go func() {
		defer close(done)
		lines := bufio.NewScanner(read)
		lines.Buffer(nil, 1<<20)
		for lines.Scan() {
			all.WriteString(lines.Text() + "\n")
			if text, ok := show(lines.Text()); ok {
				w.report.say("%s", text)
			}
		}
		_, _ = io.Copy(io.Discard, read) // a line over a megabyte ends the scan
	}()
	err := cmd.Run()
	_ = write.Close() // never fails
	<-done
	if err != nil {
		return all.String(), fmt.Errorf("%s %s: %w\n%s", filepath.Base(name), strings.Join(args, " "), err, lastLines(all.String(), 15))
	}
	return all.String(), nil
}

func everyLine(line string) (string, bool) { return line, true }
func noLine(string) (string, bool)         { return "", false }

// cdkLine is a line of the CDK's progress: how many resources of how many.
var cdkLine = regexp.MustCompile(`\|\s+(\d+)/(\d+) \|`)

// progress shows the CDK's count of resources, a line for each quarter.
func progress() func(line string) (string, bool) {
	quarter := -1
	return func(line string) (string, bool) {
		m := cdkLine.FindStringSubmatch(line)
		if m == nil {
			return "", false
		}
		var done, of int
		if _, err := fmt.Sscan(m[1]+" "+m[2], &done, &of); err != nil || of == 0 || done*4/of == quarter {
			return "", false
		}
		quarter = done * 4 / of
		return fmt.Sprintf("      %d of %d", done, of), true
	}
}

// tail gives a file's last lines, or why it has none.
func tail(file string, n int) string {
	data, err := os.ReadFile(file)
	if err != nil {
		return err.Error()
	}
	return lastLines(string(data), n)
}

func lastLines(text string, n int) string {
	lines := strings.Split(strings.TrimRight(text, "\n"), "\n")
	return strings.Join(lines[max(0, len(lines)-n):], "\n")
}
