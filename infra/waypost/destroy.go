package main

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"os"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/sfn"
	"github.com/aws/aws-sdk-go-v2/service/sfn/types"
)

type destroyCommand struct {
	environment
	Yes bool `help:"Do not ask."`
}

// Run deletes an environment: first the journeys' state machines, which the
// admin function made and the stack does not know, then the stack. It says how
// many executions still run before it asks.
func (c *destroyCommand) Run(ctx context.Context, out io.Writer) error {
	if err := checkNode(ctx); err != nil {
		return err
	}
	cfg, _, err := c.identified(ctx)
	if err != nil {
		return err
	}
	outputs, err := outputsOf(ctx, cfg, c.stack())
	if err != nil {
		return err
	}
	prefix := outputs["MachinePrefix"]
	if prefix == "" {
		return fmt.Errorf("the stack %s has no output MachinePrefix: it is not one of Waypost's", c.stack())
	}
	client := sfn.NewFromConfig(cfg)
	machines, err := journeysMachines(ctx, client, prefix)
	if err != nil {
		return err
	}
	running, more := 0, ""
	for _, m := range machines {
		n, all, err := runningOf(ctx, client, m)
		if err != nil {
			return err
		}
		running += n
		if !all {
			more = "over "
		}
	}
	fmt.Fprintf(out, "%s in %s: %d state machines of journeys, of which %s%d executions still run; they end with their machines.\n",
		c.stack(), cfg.Region, len(machines), more, running)
	if !c.Yes && !confirmed(out, os.Stdin, c.stack()) {
		return fmt.Errorf("nothing was deleted")
	}
	for _, m := range machines {
		if _, err := client.DeleteStateMachine(ctx, &sfn.DeleteStateMachineInput{StateMachineArn: &m}); err != nil {
			return fmt.Errorf("deleting %s: %w", m, refused(err, "Step Functions"))
		}
		fmt.Fprintf(out, "  deleted %s\n", m)
	}
	return c.cdk(ctx, out, "destroy", "--force")
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
// within five minutes.
func runningOf(ctx context.Context, client *sfn.Client, machine string) (n int, all bool, _ error) {
	out, err := client.ListExecutions(ctx, &sfn.ListExecutionsInput{StateMachineArn: &machine, StatusFilter: types.ExecutionStatusRunning, MaxResults: 1000})
	if err != nil {
		if d, described := client.DescribeStateMachine(ctx, &sfn.DescribeStateMachineInput{StateMachineArn: &machine}); described == nil && d.Type == types.StateMachineTypeExpress {
			return 0, true, nil
		}
		return 0, false, refused(err, "Step Functions")
	}
	return len(out.Executions), out.NextToken == nil, nil
}
