package main

import (
	"bytes"
	"context"
	"crypto/sha256"
	"crypto/tls"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	v4 "github.com/aws/aws-sdk-go-v2/aws/signer/v4"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/iam"

	"github.com/waypost/waypost/infra/providers/callbacks"
)

// clientOf makes a client that trusts the emulator, and takes a proxy where
// there is one.
func clientOf(c *certificate, proxy *url.URL) *http.Client {
	t := http.DefaultTransport.(*http.Transport).Clone()
	t.TLSClientConfig, t.Proxy = &tls.Config{RootCAs: c.pool, MinVersion: tls.VersionTLS12}, http.ProxyURL(proxy)
	return &http.Client{Transport: t, Timeout: time.Minute}
}

// reporter makes the client by which the stand-ins report, to function URLs
// alone: the proxy refuses every other host.
func reporter(c *certificate, proxy *url.URL) *http.Client {
	client := clientOf(c, proxy)
	client.CheckRedirect = callbacks.Loopback().CheckRedirect
	return client
}

// as makes the AWS configuration of someone with these keys.
func (w *world) as(key, secret string) aws.Config {
	return aws.Config{
		Region: region, BaseEndpoint: &w.emulator.url, HTTPClient: clientOf(w.certificate, nil),
		Credentials: credentials.NewStaticCredentialsProvider(key, secret, ""),
	}
}

// newUser makes a user with one policy, by the account's root, and gives the
// user's keys.
func (w *world) newUser(ctx context.Context, name, policy string) (aws.Config, error) {
	root := iam.NewFromConfig(w.as(rootKey, rootSecret))
	if _, err := root.CreateUser(ctx, &iam.CreateUserInput{UserName: &name}); err != nil {
		return aws.Config{}, err
	}
	if _, err := root.PutUserPolicy(ctx, &iam.PutUserPolicyInput{UserName: &name, PolicyName: &name, PolicyDocument: &policy}); err != nil {
		return aws.Config{}, err
	}
	out, err := root.CreateAccessKey(ctx, &iam.CreateAccessKeyInput{UserName: &name})
	if err != nil {
		return aws.Config{}, err
	}
	return w.as(aws.ToString(out.AccessKey.AccessKeyId), aws.ToString(out.AccessKey.SecretAccessKey)), nil
}

// ask calls a function URL, signed where who has credentials, and decodes its
// answer into out unless that is nil.
func (w *world) ask(ctx context.Context, who aws.Config, method, at string, body []byte, out any) (status int, _ error) {
	r, err := http.NewRequestWithContext(ctx, method, at, bytes.NewReader(body))
	if err != nil {
		return 0, err
	}
	if len(body) > 0 {
		r.Header.Set("Content-Type", "application/json")
	}
	if who.Credentials != nil {
		keys, err := who.Credentials.Retrieve(ctx)
		if err != nil {
			return 0, err
		}
		sum := sha256.Sum256(body)
		if err := v4.NewSigner().SignHTTP(ctx, keys, r, hex.EncodeToString(sum[:]), "lambda", region, time.Now()); err != nil {
			return 0, err
		}
	}
	res, err := clientOf(w.certificate, w.proxy).Do(r)
	if err != nil {
		return 0, err
	}
	defer func() { _ = res.Body.Close() }()
	data, err := io.ReadAll(res.Body)
	if err != nil || out == nil {
		return res.StatusCode, err
	}
	if res.StatusCode >= 300 {
		return res.StatusCode, fmt.Errorf("%s %s answered %s: %s", method, r.URL.Path, res.Status, strings.TrimSpace(string(data)))
	}
	return res.StatusCode, json.Unmarshal(data, out)
}
