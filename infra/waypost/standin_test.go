package main

import (
	"context"
	"flag"
	"fmt"
	"io"
	"net/http"
	"os"
	"strings"

	"github.com/aws/aws-sdk-go-v2/config"
	"github.com/aws/aws-sdk-go-v2/service/secretsmanager"
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

// standInAWS makes the README's requests of the AWS CLI by the SDK.
func standInAWS() {
	if len(os.Args) < 5 || os.Args[1] != "--endpoint-url" {
		quit("cannot read the command line", os.Args)
	}
	ctx := context.Background()
	cfg, err := config.LoadDefaultConfig(ctx, config.WithBaseEndpoint(os.Args[2]), config.WithRegion(os.Getenv("AWS_DEFAULT_REGION")))
	if err != nil {
		quit(err)
	}
	f := flag.NewFlagSet("aws", flag.ExitOnError)
	name, value := f.String("name", "", ""), f.String("secret-string", "", "")
	if err := f.Parse(os.Args[5:]); err != nil {
		quit(err)
	}
	var out any
	switch operation := os.Args[3] + " " + os.Args[4]; operation {
	case "stepfunctions list-state-machines":
		out, err = sfn.NewFromConfig(cfg).ListStateMachines(ctx, &sfn.ListStateMachinesInput{})
	case "secretsmanager create-secret":
		out, err = secretsmanager.NewFromConfig(cfg).CreateSecret(ctx, &secretsmanager.CreateSecretInput{Name: name, SecretString: value})
	default:
		quit("it does not know", operation)
	}
	if err != nil {
		quit(err)
	}
	fmt.Println(out)
}

func quit(words ...any) {
	fmt.Fprintln(os.Stderr, words...)
	os.Exit(1)
}
