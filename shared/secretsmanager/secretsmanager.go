// Package secretsmanager reads credentials from AWS Secrets Manager.
package secretsmanager

import (
	"context"
	"errors"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/secretsmanager"
	"github.com/aws/aws-sdk-go-v2/service/secretsmanager/types"
	"github.com/aws/smithy-go"

	"github.com/waypost/waypost/shared/fault"
	"github.com/waypost/waypost/shared/secret"
)

var _ secret.Source = Source{}

// A Source is the secrets of one account and region.
type Source struct {
	Client *secretsmanager.Client
}

// Fetch gives the present value of a secret (AWSCURRENT) and its version's id,
// as secret.Source has it.
func (s Source) Fetch(ctx context.Context, name string) ([]byte, string, error) {
	out, err := s.Client.GetSecretValue(ctx, &secretsmanager.GetSecretValueInput{SecretId: aws.String(name)})
	if err != nil {
		return nil, "", faultOf(err, name)
	}
	if out.SecretString != nil {
		return []byte(*out.SecretString), aws.ToString(out.VersionId), nil
	}
	return out.SecretBinary, aws.ToString(out.VersionId), nil
}

// Put makes a secret have this value, and says whether that changed anything.
func (s Source) Put(ctx context.Context, name, value string) (changed bool, err error) {
	switch present, _, err := s.Fetch(ctx, name); {
	case err == nil && string(present) == value:
		return false, nil
	case fault.Is(err, fault.NotFound):
		_, err := s.Client.CreateSecret(ctx, &secretsmanager.CreateSecretInput{Name: aws.String(name), SecretString: aws.String(value)})
		if err != nil {
			return false, faultOf(err, name)
		}
		return true, nil
	case err != nil:
		return false, err
	}
	_, err = s.Client.PutSecretValue(ctx, &secretsmanager.PutSecretValueInput{SecretId: aws.String(name), SecretString: aws.String(value)})
	if err != nil {
		return false, faultOf(err, name)
	}
	return true, nil
}

// faultOf maps an SDK's error. A secret that is to be deleted cannot be read
// (InvalidRequestException), and so counts as not there.
func faultOf(err error, name string) error {
	if _, ok := errors.AsType[*types.ResourceNotFoundException](err); ok {
		return fault.Wrap(err, fault.NotFound, "the secret %s does not exist", name)
	}
	if _, ok := errors.AsType[*types.InvalidRequestException](err); ok {
		return fault.Wrap(err, fault.NotFound, "the secret %s is marked for deletion, or has no value", name)
	}
	if _, ok := errors.AsType[*types.DecryptionFailure](err); ok {
		return fault.Wrap(err, fault.Forbidden, "the secret %s may not be decrypted; its KMS key must allow it", name)
	}
	if e, ok := errors.AsType[smithy.APIError](err); ok {
		switch e.ErrorCode() {
		case "AccessDeniedException", "UnrecognizedClientException", "InvalidSignatureException", "ExpiredTokenException":
			return fault.Wrap(err, fault.Forbidden, "the secret %s may not be read or written with these AWS permissions", name)
		}
	}
	return fault.Wrap(err, fault.Unavailable, "the secret %s could not be reached in Secrets Manager", name)
}
