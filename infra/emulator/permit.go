package main

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/iam"
	"github.com/aws/aws-sdk-go-v2/service/iam/types"
)

// permit tries who may call function URLs, and what the deployed roles may do,
// by the emulator's IAM.
func (w *world) permit(ctx context.Context) error {
	w.report.step("Trying what is not permitted")
	entry := fmt.Sprintf("arn:aws:lambda:%s:%s:function:%s:live", region, account, w.resource("EntryFunction"))
	sender, err := w.newUser(ctx, "sender", fmt.Sprintf(`{"Version": "2012-10-17", "Statement": [
		{"Effect": "Allow", "Action": ["lambda:InvokeFunctionUrl", "lambda:InvokeFunction"], "Resource": %q}]}`, entry))
	if err != nil {
		return w.report.check("a user who may only send events is made", err)
	}
	keys, err := sender.Credentials.Retrieve(ctx)
	if err != nil {
		return err
	}
	forger := sender
	forger.Credentials = credentials.NewStaticCredentialsProvider(keys.AccessKeyID, "another-secret", "")

	event := []byte(`{"specversion": "1.0", "id": "sender-1", "source": "/shop/demo", "type": "order.unheard", "data": {}}`)
	for _, try := range []struct {
		what     string
		who      aws.Config
		at, path string
		want     int
	}{
		{"a request without a signature is refused", aws.Config{}, "EntryUrl", "entry/", http.StatusForbidden},
		{"a request with a wrong signature is refused", forger, "EntryUrl", "entry/", http.StatusForbidden},
		{"a user who may only send events sends one", sender, "EntryUrl", "entry/", http.StatusAccepted},
		{"that user may not author", sender, "AdminUrl", "admin/v1/actions/any/publish", http.StatusForbidden},
	} {
		got, err := w.ask(ctx, try.who, http.MethodPost, w.outputs[try.at]+try.path, event, nil)
		if err == nil {
			err = equal(got, try.want)
		}
		_ = w.report.check(try.what, err)
	}
	_ = w.report.check("functions run under their roles: without its policy the admin function can't read", w.withoutPolicy(ctx))
	for _, f := range functions() {
		w.judge(ctx, construct(f))
	}
	w.judge(ctx, journeys)
	w.judge(ctx, immediate)
	return nil
}

// judge checks what a role may do: all that its work needs, and nothing that
// would do harm.
func (w *world) judge(ctx context.Context, role string) {
	var wrong []error
	needs, harms := 0, 0
	for _, p := range w.permissions() {
		if p.role != role {
			continue
		}
		if p.allowed {
			needs++
		} else {
			harms++
		}
		if err := w.simulate(ctx, p); err != nil {
			wrong = append(wrong, err)
		}
	}
	if needs == 0 || harms == 0 {
		wrong = append(wrong, errors.New("permissions has nothing to try of it"))
	}
	_ = w.report.check(fmt.Sprintf("by its policy %s may do what it must (%d tried), and not what would do harm (%d tried)", strings.ToLower(role), needs, harms), errors.Join(wrong...))
}

// withoutPolicy takes the admin function's policy away and gives it back, and
// asks the function both times.
func (w *world) withoutPolicy(ctx context.Context) error {
	client := iam.NewFromConfig(w.operator)
	role := w.resource("AdminRole")
	list, err := client.ListRolePolicies(ctx, &iam.ListRolePoliciesInput{RoleName: &role})
	if err != nil {
		return err
	}
	if len(list.PolicyNames) != 1 {
		return fmt.Errorf("the role %s has %d policies, want 1", role, len(list.PolicyNames))
	}
	name := list.PolicyNames[0]
	policy, err := client.GetRolePolicy(ctx, &iam.GetRolePolicyInput{RoleName: &role, PolicyName: &name})
	if err != nil {
		return err
	}
	document, err := url.QueryUnescape(aws.ToString(policy.PolicyDocument)) // RFC 3986, says IAM's reference
	if err != nil {
		return err
	}
	if _, err := client.DeleteRolePolicy(ctx, &iam.DeleteRolePolicyInput{RoleName: &role, PolicyName: &name}); err != nil {
		return err
	}
	asks := func() (int, error) {
		return w.ask(ctx, w.operator, http.MethodGet, w.outputs["AdminUrl"]+"admin/v1/deliveries?journey=order_ready", nil, nil)
	}
	without, err := asks()
	if _, back := client.PutRolePolicy(ctx, &iam.PutRolePolicyInput{RoleName: &role, PolicyName: &name, PolicyDocument: &document}); back != nil {
		return errors.Join(err, back)
	}
	if err != nil {
		return err
	}
	with, err := asks()
	if err != nil {
		return err
	}
	return equal(fmt.Sprintf("%d without it, %d with it", without, with), "500 without it, 200 with it")
}

// The roles that machines run under: the journeys', and the platform's own,
// which makes the deliveries that a journey does not wait for.
const (
	journeys  = "Journeys"
	immediate = "Delivery"
)

// A permission is what a role may or may not do.
type permission struct {
	role     string // a function's construct, journeys or immediate
	action   string
	resource string
	allowed  bool
}

// permissions are what each role must have for its work, and what would do
// harm. iam:PassRole is not among them: the emulator's simulation knows no
// conditions.
func (w *world) permissions() []permission {
	table := func(id string) string {
		return fmt.Sprintf("arn:aws:dynamodb:%s:%s:table/%s", region, account, w.resource(id))
	}
	states := func(kind, name string) string {
		return fmt.Sprintf("arn:aws:states:%s:%s:%s:%s", region, account, kind, name)
	}
	secret := func(name string) string {
		return fmt.Sprintf("arn:aws:secretsmanager:%s:%s:secret:%s-AbCdEf", region, account, name)
	}
	function := func(id string) string {
		return fmt.Sprintf("arn:aws:lambda:%s:%s:function:%s:live", region, account, w.resource(id))
	}
	journey := w.outputs["MachinePrefix"] + "order_ready-1"
	list := []permission{
		{"Entry", "states:StartExecution", states("stateMachine", journey), true},
		{"Entry", "states:StartExecution", states("stateMachine", "another"), false},
		{"Entry", "states:CreateStateMachine", states("stateMachine", journey), false},
		{"Entry", "dynamodb:GetItem", table("Profiles"), false},
		{"Entry", "secretsmanager:GetSecretValue", secret("waypost/twilio"), false},
		{"Entry", "dynamodb:PutItem", table("Ledger"), true},
		{"Callback", "dynamodb:UpdateItem", table("Ledger"), true},
		{"Callback", "dynamodb:PutItem", table("Limits"), true}, // opt-outs
		{"Callback", "secretsmanager:GetSecretValue", secret("waypost/twilio"), true},
		{"Callback", "dynamodb:PutItem", table("Ledger"), false},
		{"Callback", "dynamodb:GetItem", table("Profiles"), false},
		{"Callback", "secretsmanager:GetSecretValue", secret("another/secret"), false},
		{"Callback", "states:StartExecution", states("stateMachine", journey), false},
		{"Decide", "dynamodb:GetItem", table("Profiles"), true},
		{"Decide", "dynamodb:PutItem", table("Profiles"), false},
		{"Decide", "dynamodb:GetItem", table("Ledger"), false},
		{"Sweep", "dynamodb:Query", table("Ledger") + "/index/due", true},
		{"Sweep", "states:SendTaskFailure", states("stateMachine", journey), true},
		{"Sweep", "secretsmanager:GetSecretValue", secret("waypost/twilio"), false},
		{"Admin", "states:CreateStateMachine", states("stateMachine", journey), true},
		{"Admin", "states:DeleteStateMachine", states("stateMachine", journey), false},
		{"Admin", "states:StartExecution", states("stateMachine", journey), false},
		{"Admin", "secretsmanager:GetSecretValue", secret("waypost/twilio"), false},
		{journeys, "states:StartExecution", w.resource("Delivery"), true},
		{journeys, "states:StartExecution", states("stateMachine", journey), false},
		{journeys, "lambda:InvokeFunction", function("DecideFunction"), true},
		{journeys, "lambda:InvokeFunction", function("EntryFunction"), false},
		{journeys, "dynamodb:GetItem", table("Profiles"), false},
		{immediate, "lambda:InvokeFunction", function("DecideFunction"), false},
		{immediate, "states:StartExecution", w.resource("Delivery"), false},
	}
	for _, name := range channelFunctions() {
		channel := construct(name)
		list = append(list,
			permission{journeys, "lambda:InvokeFunction", function(channel + "Function"), true},
			permission{immediate, "lambda:InvokeFunction", function(channel + "Function"), true},
			permission{channel, "dynamodb:GetItem", table("Profiles"), true},
			permission{channel, "dynamodb:PutItem", table("Profiles"), false},
			permission{channel, "dynamodb:Query", table("Ledger"), false},
			permission{channel, "dynamodb:PutItem", table("Ledger"), true},
			permission{channel, "dynamodb:PutItem", table("Catalog"), false},
			permission{channel, "dynamodb:UpdateItem", table("Limits"), true},
			permission{channel, "dynamodb:GetItem", table("Limits"), name == "signage" || name == "sms"}, // what a screen was last sent; opt-outs
			permission{channel, "dynamodb:PutItem", table("Limits"), name == "sms"},
			permission{channel, "secretsmanager:GetSecretValue", secret("waypost/twilio"), true},
			permission{channel, "secretsmanager:GetSecretValue", secret("another/secret"), false},
			permission{channel, "secretsmanager:PutSecretValue", secret("waypost/twilio"), false},
			permission{channel, "states:StartExecution", states("stateMachine", journey), false},
			permission{channel, "states:SendTaskSuccess", states("stateMachine", journey), true},
			permission{channel, "states:SendTaskSuccess", states("stateMachine", "another"), false},
		)
	}
	return list
}

// roleARN is of a function's role, or of machines'.
func (w *world) roleARN(of string) string {
	id := of + "Role"
	return "arn:aws:iam::" + account + ":role/" + w.resource(id)
}

// simulate asks the emulator's IAM whether a role has a permission, and is an
// error where that is not as it should be.
func (w *world) simulate(ctx context.Context, p permission) error {
	out, err := iam.NewFromConfig(w.operator).SimulatePrincipalPolicy(ctx, &iam.SimulatePrincipalPolicyInput{
		PolicySourceArn: aws.String(w.roleARN(p.role)), ActionNames: []string{p.action}, ResourceArns: []string{p.resource}})
	if err != nil {
		return err
	}
	if len(out.EvaluationResults) != 1 {
		return fmt.Errorf("there are %d results", len(out.EvaluationResults))
	}
	if got := out.EvaluationResults[0].EvalDecision; got == types.PolicyEvaluationDecisionTypeAllowed != p.allowed {
		return fmt.Errorf("%s on %s is %s", p.action, p.resource, got)
	}
	return nil
}
