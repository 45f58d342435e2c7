package main

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/cloudformation"
	"github.com/aws/aws-sdk-go-v2/service/cloudformation/types"
	"github.com/aws/aws-sdk-go-v2/service/sfn"
)

// cdk is the CDK's command line that `waypost deploy` asks to bootstrap with.
const cdk = "aws-cdk@2.1148.1"

// deploy bootstraps the account and deploys the stack.
func (w *world) deploy(ctx context.Context) error {
	w.report.step("Deploying")
	said, err := w.product(ctx, noLine, "deploy", "--yes")
	if err == nil || !strings.Contains(said, "not bootstrapped") {
		err = fmt.Errorf("it said %q", lastLines(said, 3))
	} else {
		err = nil
	}
	_ = w.report.check("waypost deploy says that the account is not bootstrapped, and how to do that", err)

	env, err := w.environment(ctx, w.operator)
	if err != nil {
		return err
	}
	_, err = w.command(ctx, env, progress(), "npx", "--yes", cdk, "bootstrap", "aws://"+account+"/"+region, "--app", "")
	if err := w.report.check("npx "+cdk+" bootstrap", err); err != nil {
		return err
	}
	standIns := []string{"-c", "egressRoutes=" + w.routes}
	_, err = w.product(ctx, progress(), append([]string{"deploy", "--yes"}, standIns...)...)
	if err := w.report.check("waypost deploy", err); err != nil {
		return err
	}
	if err := w.report.check("all of the stack's resources stand, and its outputs say where", w.readStack(ctx)); err != nil {
		return err
	}
	said, err = w.product(ctx, noLine, append([]string{"diff"}, standIns...)...)
	if err == nil && !strings.Contains(said, "There were no differences") {
		err = fmt.Errorf("it said:\n%s", lastLines(said, 15))
	}
	_ = w.report.check("waypost diff finds nothing to change", err)
	return w.lendTokens(ctx)
}

// readStack reads the deployed stack.
func (w *world) readStack(ctx context.Context) error {
	client := cloudformation.NewFromConfig(w.operator)
	out, err := client.DescribeStacks(ctx, &cloudformation.DescribeStacksInput{StackName: aws.String(stackName)})
	if err != nil {
		return err
	}
	if got, want := len(out.Stacks), 1; got != want {
		return fmt.Errorf("there are %d stacks", got)
	}
	if got, want := out.Stacks[0].StackStatus, types.StackStatusCreateComplete; got != want {
		return fmt.Errorf("the stack is %s", got)
	}
	w.outputs, w.physical = map[string]string{}, map[string]string{}
	for _, o := range out.Stacks[0].Outputs {
		w.outputs[aws.ToString(o.OutputKey)] = aws.ToString(o.OutputValue)
	}
	kinds := map[string]int{}
	pages := cloudformation.NewListStackResourcesPaginator(client, &cloudformation.ListStackResourcesInput{StackName: aws.String(stackName)})
	for pages.HasMorePages() {
		page, err := pages.NextPage(ctx)
		if err != nil {
			return err
		}
		for _, r := range page.StackResourceSummaries {
			if r.ResourceStatus != types.ResourceStatusCreateComplete {
				return fmt.Errorf("%s is %s: %s", aws.ToString(r.LogicalResourceId), r.ResourceStatus, aws.ToString(r.ResourceStatusReason))
			}
			w.physical[aws.ToString(r.LogicalResourceId)] = aws.ToString(r.PhysicalResourceId)
			kinds[aws.ToString(r.ResourceType)]++
		}
	}
	for _, name := range []string{"AdminUrl", "EntryUrl", "CallbackUrl", "EventBusName", "LedgerTable", "ProfilesTable", "MachinePrefix"} {
		if w.outputs[name] == "" {
			return fmt.Errorf("there is no output %s", name)
		}
	}
	for _, f := range functions() {
		if w.resource(construct(f)+"Function") == "" {
			return fmt.Errorf("there is no function %s", f)
		}
	}
	if got, want := kinds["AWS::Lambda::Function"], len(functions()); got != want {
		return fmt.Errorf("there are %d functions, want %d: %s", got, want, strings.Join(functions(), ", "))
	}
	w.report.say("      %d resources of %d types: %s", len(w.physical), len(kinds), summary(kinds))
	return nil
}

// summary lists kinds of resources, the most frequent first.
func summary(kinds map[string]int) string {
	var names []string
	for k := range kinds {
		names = append(names, k)
	}
	slices.SortFunc(names, func(a, b string) int {
		if kinds[a] != kinds[b] {
			return kinds[b] - kinds[a]
		}
		return strings.Compare(a, b)
	})
	for i, n := range names {
		names[i] = fmt.Sprintf("%d %s", kinds[n], strings.TrimPrefix(n, "AWS::"))
	}
	return strings.Join(names, ", ")
}

// resource finds a resource's name by the beginning of its logical id, which
// CDK ends with a hash.
func (w *world) resource(prefix string) string {
	for id, name := range w.physical {
		if hash, ok := strings.CutPrefix(id, prefix); ok && len(hash) == 8 {
			return name
		}
	}
	return ""
}

// destroy deletes what was deployed, and what the admin function made.
func (w *world) destroy(ctx context.Context) error {
	w.report.step("Destroying")
	if err := w.takeTokensBack(ctx); err != nil {
		return err
	}
	said, err := w.product(ctx, noLine, "destroy", "--yes")
	if err == nil && !strings.Contains(said, "1 state machines of journeys") {
		err = fmt.Errorf("it said %q", lastLines(said, 5))
	}
	if err := w.report.check("waypost destroy deletes the journeys' state machines, then the stack", err); err != nil {
		return err
	}
	machines, err := sfn.NewFromConfig(w.operator).ListStateMachines(ctx, &sfn.ListStateMachinesInput{})
	if err == nil {
		err = equal(len(machines.StateMachines), 0)
	}
	_ = w.report.check("no state machine is left", err)
	_, err = cloudformation.NewFromConfig(w.operator).DescribeStacks(ctx, &cloudformation.DescribeStacksInput{StackName: aws.String(stackName)})
	if err == nil {
		err = errors.New("it is still there")
	} else {
		err = nil
	}
	return w.report.check("the stack is gone", err)
}
