// Package secretsmanager reads credentials from AWS Secrets Manager.
package secretsmanager

import (
	"context"
	"errors"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/secretsmanager"
	"github.com/aws/aws-sdk-go-v2/service/secretsmanager/types"
	"github.com/aws/smithy-go"

	"github.com/waypost/waypost/shared/awserror"
	"github.com/waypost/waypost/shared/fault"
	"github.com/waypost/waypost/shared/secret"
)

var _ secret.Source = Source{}

// A Source is the secrets of one account and region.
type Source struct {
	Client *secretsmanager.Client
}

// Fetch gives the present value of a secret (AWSCURRENT), as secret.Source has it.
func (s Source) Fetch(ctx context.Context, name string) ([]byte, error) {
	out, err := s.Client.GetSecretValue(ctx, &secretsmanager.GetSecretValueInput{SecretId: aws.String(name)})
	if err != nil {
		return nil, faultOf(err, name, mayRead)
	}
	if out.SecretString != nil {
		return []byte(*out.SecretString), nil
	}
	return out.SecretBinary, nil
}

// Put makes a secret have this value, and says whether that changed anything.
func (s Source) Put(ctx context.Context, name, value string) (changed bool, err error) {
	switch present, err := s.Fetch(ctx, name); {
	case err == nil && string(present) == value:
		return false, nil
	case fault.Is(err, fault.NotFound):
		_, err := s.Client.CreateSecret(ctx, &secretsmanager.CreateSecretInput{Name: aws.String(name), SecretString: aws.String(value)})
		if err != nil {
			return false, faultOf(err, name, mayCreate)
		}
		return true, nil
	case err != nil:
		return false, err
	}
	_, err = s.Client.PutSecretValue(ctx, &secretsmanager.PutSecretValueInput{SecretId: aws.String(name), SecretString: aws.String(value)})
	if err != nil {
		return false, faultOf(err, name, mayWrite)
	}
	return true, nil
}

// Create makes a secret that is not there yet. One that is stays as it is, and
// the answer is false.
func (s Source) Create(ctx context.Context, name, value string) (created bool, _ error) {
	_, err := s.Client.CreateSecret(ctx, &secretsmanager.CreateSecretInput{Name: aws.String(name), SecretString: aws.String(value)})
	if _, exists := errors.AsType[*types.ResourceExistsException](err); exists {
		return false, nil
	}
	if err != nil {
		return false, faultOf(err, name, mayCreate)
	}
	return true, nil
}

// The permissions that a function's role needs, as IAM names them.
const (
	mayRead    = "secretsmanager:GetSecretValue"
	mayCreate  = "secretsmanager:CreateSecret"
	mayWrite   = "secretsmanager:PutSecretValue"
	mayDecrypt = "kms:Decrypt"
)

// faultOf maps an SDK's error to what was asked with a permission. A secret
// that is to be deleted cannot be read (InvalidRequestException), and so counts
// as not there. A permission that lacks is a deployment's mistake, which is
// Internal as a table's is: what waits for it goes on once somebody mends it.
func faultOf(err error, name, permission string) error {
	cause := awserror.Loggable(err)
	if _, ok := errors.AsType[*types.ResourceNotFoundException](err); ok {
		return fault.Wrap(cause, fault.NotFound, "the secret %s does not exist", name)
	}
	if _, ok := errors.AsType[*types.InvalidRequestException](err); ok {
		return fault.Wrap(cause, fault.NotFound, "the secret %s is marked for deletion, or has no value", name)
	}
	if _, ok := errors.AsType[*types.DecryptionFailure](err); ok {
		return fault.Wrap(cause, fault.Internal, "the secret %s cannot be decrypted: the role lacks %s on the secret's KMS key", name, mayDecrypt)
	}
	if e, ok := errors.AsType[smithy.APIError](err); ok {
		switch e.ErrorCode() {
		case "AccessDeniedException":
			if strings.Contains(e.ErrorMessage(), "KMS") { // "Access to KMS is not allowed"
				return fault.Wrap(cause, fault.Internal, "the secret %s cannot be decrypted: the role lacks %s on the secret's KMS key", name, mayDecrypt)
			}
			return fault.Wrap(cause, fault.Internal, "the secret %s is out of reach: the role lacks %s on it", name, permission)
		case "UnrecognizedClientException", "InvalidSignatureException", "ExpiredTokenException":
			return fault.Wrap(cause, fault.Unavailable, "the secret %s could not be reached: Secrets Manager did not accept the AWS credentials that it was asked with", name)
		}
	}
	return fault.Wrap(cause, fault.Unavailable, "the secret %s could not be reached in Secrets Manager", name)
}
