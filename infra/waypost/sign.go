package main

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"net/http"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	v4 "github.com/aws/aws-sdk-go-v2/aws/signer/v4"
)

// A sign puts a signature on a request with this body.
type sign func(ctx context.Context, r *http.Request, body []byte) error

// signed makes a client of function URLs, which take SigV4 for the service
// lambda alone (AuthType AWS_IAM).
func signed(cfg aws.Config, admin, entry string) *client {
	c := newClient(admin)
	if entry != "" {
		c.entry = strings.TrimSuffix(entry, "/")
	}
	signer := v4.NewSigner()
	c.sign = func(ctx context.Context, r *http.Request, body []byte) error {
		keys, err := cfg.Credentials.Retrieve(ctx)
		if err != nil {
			return fmt.Errorf("the AWS credentials cannot be read: %w", err)
		}
		sum := sha256.Sum256(body)
		hash := hex.EncodeToString(sum[:])
		r.Header.Set("X-Amz-Content-Sha256", hash)
		return signer.SignHTTP(ctx, keys, r, hash, "lambda", cfg.Region, time.Now())
	}
	return c
}
