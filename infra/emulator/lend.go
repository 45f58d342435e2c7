package main

import (
	"context"
	"fmt"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/iam"
)

// lent is the policy that lets a role end Tasks by their tokens in the emulator.
// AWS judges that by the machine whose Task waits under the token. The emulator
// does not look for it, and judges by the resource "*": the pattern "?" is met
// by that alone, and by no ARN, so that what is deployed is judged as it stands.
const (
	lent       = "tokens"
	lentPolicy = `{"Version": "2012-10-17", "Statement": [{"Effect": "Allow",
		"Action": ["states:SendTaskSuccess", "states:SendTaskFailure"], "Resource": "?"}]}`
)

// wakers are the functions that end Tasks by their tokens.
func wakers() []string { return append(channelFunctions(), "callback", "sweep") }

// lendTokens lends the policy to the roles of these functions.
func (w *world) lendTokens(ctx context.Context) error {
	client := iam.NewFromConfig(w.operator)
	for _, f := range wakers() {
		if _, err := client.PutRolePolicy(ctx, &iam.PutRolePolicyInput{RoleName: aws.String(w.resource(construct(f) + "Role")),
			PolicyName: aws.String(lent), PolicyDocument: aws.String(lentPolicy)}); err != nil {
			return fmt.Errorf("lending the role of %s what the emulator asks for: %w", f, err)
		}
	}
	return nil
}

// takeTokensBack takes it back: a role goes with no policy that is not the stack's.
func (w *world) takeTokensBack(ctx context.Context) error {
	client := iam.NewFromConfig(w.operator)
	for _, f := range wakers() {
		if _, err := client.DeleteRolePolicy(ctx, &iam.DeleteRolePolicyInput{RoleName: aws.String(w.resource(construct(f) + "Role")),
			PolicyName: aws.String(lent)}); err != nil {
			return fmt.Errorf("taking it back from the role of %s: %w", f, err)
		}
	}
	return nil
}
