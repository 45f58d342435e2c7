package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"slices"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/cloudformation"
	cloudformationtypes "github.com/aws/aws-sdk-go-v2/service/cloudformation/types"
	"github.com/aws/aws-sdk-go-v2/service/sfn"
	"github.com/aws/aws-sdk-go-v2/service/sfn/types"
)

// deletion is how long CloudFormation may take to delete a stack. A function in
// a network alone takes it 20 minutes and more.
const deletion = time.Hour

type destroyCommand struct {
	environment
	Yes bool `help:"Do not ask."`
}

// Run deletes an environment: first the journeys' state machines, which the
// admin function made and the stack does not know, then the stack. Where the
// stack can't go it deletes nothing, and it says how many executions still run
// before it asks. It needs neither a build nor the CDK.
func (c *destroyCommand) Run(ctx context.Context, out io.Writer) error {
	cfg, _, err := c.identified(ctx)
	if err != nil {
		return err
	}
	stack, err := describeStack(ctx, cfg, c.stack())
	if err != nil {
		return err
	}
	if err := deletable(stack, cfg.Region); err != nil {
		return err
	}
	prefix := outputsIn(stack)["MachinePrefix"]
	if prefix == "" {
		return fmt.Errorf("the stack %s has no output MachinePrefix: it is not one of Waypost's", c.stack())
	}
	client := sfn.NewFromConfig(cfg)
	machines, err := journeysMachines(ctx, client, prefix)
	if err != nil {
		return err
	}
	own, err := stackMachines(ctx, cfg, c.stack())
	if err != nil {
		return err
	}
	running, more := 0, ""
	for _, m := range slices.Concat(machines, own) {
		n, all, err := runningOf(ctx, client, m)
		if err != nil {
			return err
		}
		running += n
		if !all {
			more = "over "
		}
	}
	fmt.Fprintf(out, "%s in %s: %d state machines of journeys and %d of the stack, of which %s%d executions still run; they end with their machines.\n",
		c.stack(), cfg.Region, len(machines), len(own), more, running)
	if !c.Yes && !confirmed(out, os.Stdin, c.stack()) {
		return errors.New("nothing was deleted")
	}
	for _, m := range machines {
		if _, err := client.DeleteStateMachine(ctx, &sfn.DeleteStateMachineInput{StateMachineArn: &m}); err != nil {
			return fmt.Errorf("deleting %s: %w", m, refused(err, "Step Functions"))
		}
		fmt.Fprintf(out, "  deleted %s\n", m)
	}
	return deleteStack(ctx, cfg, out, c.stack())
}

// deletable says why CloudFormation would refuse to delete a stack, and what
// would lift that.
func deletable(stack cloudformationtypes.Stack, region string) error {
	name := aws.ToString(stack.StackName)
	switch {
	case aws.ToBool(stack.EnableTerminationProtection):
		return fmt.Errorf("the stack %s is protected from deletion, so nothing was deleted. To lift that:\n"+
			"  aws cloudformation update-termination-protection --no-enable-termination-protection --region %s --stack-name %s", name, region, name)
	case strings.HasSuffix(string(stack.StackStatus), "_IN_PROGRESS"):
		return fmt.Errorf("the stack %s is %s, so nothing was deleted: wait until that has ended", name, stack.StackStatus)
	}
	return nil
}

// deleteStack deletes a stack, and waits until it is gone.
func deleteStack(ctx context.Context, cfg aws.Config, out io.Writer, name string) error {
	client := cloudformation.NewFromConfig(cfg)
	if _, err := client.DeleteStack(ctx, &cloudformation.DeleteStackInput{StackName: &name}); err != nil {
		return fmt.Errorf("deleting the stack %s: %w", name, refused(err, "CloudFormation"))
	}
	fmt.Fprintf(out, "  deleting the stack %s …\n", name)
	waiter := cloudformation.NewStackDeleteCompleteWaiter(client, func(o *cloudformation.StackDeleteCompleteWaiterOptions) {
		o.MinDelay, o.MaxDelay = 2*time.Second, 15*time.Second
	})
	err := waiter.Wait(ctx, &cloudformation.DescribeStacksInput{StackName: &name}, deletion)
	switch {
	case ctx.Err() != nil:
		return ctx.Err()
	case err == nil:
		_, err = fmt.Fprintf(out, "  deleted the stack %s; secrets named waypost/… stay, and so do the tables and logs of a protected environment\n", name)
		return err
	}
	stack, described := describeStack(ctx, cfg, name)
	if described != nil {
		return described
	}
	return fmt.Errorf("the stack %s is %s: %s. Mend that, and run it again", name, stack.StackStatus, aws.ToString(stack.StackStatusReason))
}

// stackMachines lists the ARNs of the stack's own machines: the one that makes
// deliveries.
func stackMachines(ctx context.Context, cfg aws.Config, stack string) ([]string, error) {
	var arns []string
	pages := cloudformation.NewListStackResourcesPaginator(cloudformation.NewFromConfig(cfg), &cloudformation.ListStackResourcesInput{StackName: &stack})
	for pages.HasMorePages() {
		page, err := pages.NextPage(ctx)
		if err != nil {
			return nil, refused(err, "CloudFormation")
		}
		for _, r := range page.StackResourceSummaries {
			if aws.ToString(r.ResourceType) == "AWS::StepFunctions::StateMachine" && r.ResourceStatus != cloudformationtypes.ResourceStatusDeleteComplete {
				arns = append(arns, aws.ToString(r.PhysicalResourceId))
			}
		}
	}
	return arns, nil
}

// confirmed asks for the stack's name, so that nobody deletes another one by habit.
func confirmed(out io.Writer, in io.Reader, stack string) bool {
	fmt.Fprintf(out, "Type %s to delete it all: ", stack)
	line, _ := bufio.NewReader(in).ReadString('\n') // no line is no confirmation
	return strings.TrimSpace(line) == stack
}

// journeysMachines lists the ARNs of the machines that carry the tag which the
// admin function puts on those of its environment.
func journeysMachines(ctx context.Context, client *sfn.Client, prefix string) ([]string, error) {
	var arns []string
	pages := sfn.NewListStateMachinesPaginator(client, &sfn.ListStateMachinesInput{MaxResults: 1000})
	for pages.HasMorePages() {
		page, err := pages.NextPage(ctx)
		if err != nil {
			return nil, refused(err, "Step Functions")
		}
		for _, m := range page.StateMachines {
			if !strings.HasPrefix(aws.ToString(m.Name), prefix) {
				continue
			}
			tags, err := client.ListTagsForResource(ctx, &sfn.ListTagsForResourceInput{ResourceArn: m.StateMachineArn})
			if err != nil {
				return nil, refused(err, "Step Functions")
			}
			for _, tag := range tags.Tags {
				if aws.ToString(tag.Key) == "waypost" && aws.ToString(tag.Value) == prefix {
					arns = append(arns, aws.ToString(m.StateMachineArn))
				}
			}
		}
	}
	return arns, nil
}

// runningOf counts a machine's running executions, up to a thousand; all says
// whether those are all. Nobody can ask about an Express machine's: they end
// within five minutes. A machine that is gone has none.
func runningOf(ctx context.Context, client *sfn.Client, machine string) (n int, all bool, _ error) {
	out, err := client.ListExecutions(ctx, &sfn.ListExecutionsInput{StateMachineArn: &machine, StatusFilter: types.ExecutionStatusRunning, MaxResults: 1000})
	if _, gone := errors.AsType[*types.StateMachineDoesNotExist](err); gone {
		return 0, true, nil // an earlier destroy ended half-way
	}
	if err != nil {
		if d, described := client.DescribeStateMachine(ctx, &sfn.DescribeStateMachineInput{StateMachineArn: &machine}); described == nil && d.Type == types.StateMachineTypeExpress {
			return 0, true, nil
		}
		return 0, false, refused(err, "Step Functions")
	}
	return len(out.Executions), out.NextToken == nil, nil
}
