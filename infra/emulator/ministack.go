package main

import (
	"context"
	"fmt"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"

	"github.com/waypost/waypost/infra/foreign"
)

// emulator is the one that runs the most of the stack: every type of its
// resources, assets, roles' policies, Lambda's provided runtime as plain
// processes, and Step Functions. It needs Python, and no Docker.
var emulator = foreign.Package{Name: "ministack", Version: "1.5.33"}

// The account and the region of everything here.
const (
	account = "000000000000"
	region  = "us-east-1"
)

// The key of the account's root, which only makes the operator's user. It is
// no real one.
const rootKey, rootSecret = "AKIAFAKEFAKEFAKEROOT", "fake-secret-access-key-of-root"

// ministack is a running emulator.
type ministack struct {
	server  *foreign.Server
	address string // host:port
	url     string // https://host:port
}

// startMinistack starts the emulator on a free port of the loopback, with TLS,
// and with its IAM turned on: it evaluates the policies of users, roles, queues
// and buckets, and checks signatures.
//
// Its functions are child processes, and inherit its environment: so they are
// told where it is, and whom to trust.
func startMinistack(ctx context.Context, python, dir string, c *certificate) (*ministack, error) {
	port, err := foreign.FreePort()
	if err != nil {
		return nil, err
	}
	m := &ministack{address: net.JoinHostPort("127.0.0.1", strconv.Itoa(port))}
	m.url = "https://" + m.address
	log, err := os.Create(filepath.Join(dir, "emulator.log"))
	if err != nil {
		return nil, err
	}
	defer func() { _ = log.Close() }() // the process has its own copy
	cmd := exec.Command(python, "-m", "hypercorn", "ministack.app:app", "--bind", m.address,
		"--certfile", c.certFile, "--keyfile", c.keyFile, "--keep-alive", "75")
	cmd.Dir, cmd.Stdout, cmd.Stderr = dir, log, log
	cmd.Env = []string{
		"PATH=" + os.Getenv("PATH"), "HOME=" + dir, "TMPDIR=" + dir,
		"GATEWAY_PORT=" + strconv.Itoa(port), "MINISTACK_HOST=localhost", "USE_SSL=1", "AUTH=true",
		"IOT_MTLS_ENABLED=0", "SFTP_ENABLED=0", // no other ports
		"MINISTACK_ACCOUNT_ID=" + account, "MINISTACK_REGION=" + region,
		"AWS_ACCESS_KEY_ID=" + rootKey, "AWS_SECRET_ACCESS_KEY=" + rootSecret,
		"AWS_ENDPOINT_URL=" + m.url, "AWS_CA_BUNDLE=" + c.certFile,
		// Lambda sets these by a function's LoggingConfig, which the emulator only keeps.
		"AWS_LAMBDA_LOG_FORMAT=JSON", "AWS_LAMBDA_LOG_LEVEL=INFO",
	}
	if m.server, err = foreign.Start(cmd); err != nil {
		return nil, fmt.Errorf("starting %s: %w", emulator.Name, err)
	}
	client := clientOf(c, nil)
	err = m.server.Ready(ctx, func(ctx context.Context) error {
		r, err := http.NewRequestWithContext(ctx, http.MethodGet, m.url+"/_ministack/ready", nil)
		if err != nil {
			return err
		}
		res, err := client.Do(r)
		if err != nil {
			return err
		}
		if err := res.Body.Close(); err != nil {
			return err
		}
		return equal(res.StatusCode, http.StatusOK)
	})
	if err != nil {
		m.server.Stop()
		return nil, fmt.Errorf("%s: %w\n%s", emulator.Name, err, tail(filepath.Join(dir, "emulator.log"), 20))
	}
	return m, nil
}
