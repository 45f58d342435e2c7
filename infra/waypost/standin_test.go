package main

import (
	"context"
	"encoding/json"
	"flag"
	"fmt"
	"io"
	"net/http"
	"os"
	"strings"

	"github.com/aws/aws-sdk-go-v2/config"
	"github.com/aws/aws-sdk-go-v2/service/sfn"
)

// standInCurl makes curl's requests where there is no curl: the options that
// the README uses, and --fail-with-body.
func standInCurl() {
	args, url := []string{}, ""
	for _, a := range os.Args[1:] { // curl takes its URL before its options too
		if strings.HasPrefix(a, "http://") {
			url = a
		} else {
			args = append(args, a)
		}
	}
	f := flag.NewFlagSet("curl", flag.ExitOnError)
	method, data := f.String("X", "", ""), f.String("d", "", "")
	if err := f.Parse(args); err != nil || url == "" || f.NArg() > 0 {
		quit("cannot read the command line", os.Args)
	}
	if *method == "" {
		*method = http.MethodGet
		if *data != "" {
			*method = http.MethodPost
		}
	}
	body := *data
	if name, ok := strings.CutPrefix(body, "@"); ok {
		text, err := os.ReadFile(name)
		if err != nil {
			quit("reading the data:", err)
		}
		body = string(text)
	}
	r, err := http.NewRequest(*method, url, strings.NewReader(body))
	if err != nil {
		quit(err)
	}
	if body != "" {
		r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	}
	res, err := http.DefaultClient.Do(r)
	if err != nil {
		quit(err)
	}
	if _, err := io.Copy(os.Stdout, res.Body); err != nil {
		quit(err)
	}
	if res.StatusCode >= 400 {
		quit("the answer was", res.Status)
	}
}

// standInAWS makes the README's request of the AWS CLI by the SDK.
func standInAWS() {
	line := strings.Join(os.Args[1:], " ")
	endpoint, found := strings.CutPrefix(line, "--endpoint-url ")
	endpoint, listed := strings.CutSuffix(endpoint, " stepfunctions list-state-machines")
	if !found || !listed {
		quit("it only knows list-state-machines, not", line)
	}
	cfg, err := config.LoadDefaultConfig(context.Background(), config.WithBaseEndpoint(endpoint), config.WithRegion(os.Getenv("AWS_DEFAULT_REGION")))
	if err != nil {
		quit(err)
	}
	out, err := sfn.NewFromConfig(cfg).ListStateMachines(context.Background(), &sfn.ListStateMachinesInput{})
	if err != nil {
		quit(err)
	}
	if err := json.NewEncoder(os.Stdout).Encode(map[string]any{"stateMachines": out.StateMachines}); err != nil {
		quit(err)
	}
}

func quit(words ...any) {
	fmt.Fprintln(os.Stderr, words...)
	os.Exit(1)
}
