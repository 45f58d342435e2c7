package main

import (
	"fmt"
	"io"
	"text/tabwriter"
)

// A row is a line of the tables at the end of a run.
type row [3]string

// owners say whose each part of the run was.
func owners() []row {
	return []row{
		{"CloudFormation, S3, STS, SSM, IAM with its policies and signatures", emulator.Name + " " + emulator.Version, ""},
		{"DynamoDB, Step Functions, Secrets Manager, SQS, EventBridge, CloudWatch Logs", emulator.Name + " " + emulator.Version, ""},
		{"Lambda: the runtime API, versions and aliases, function URLs, asynchronous retries", emulator.Name + " " + emulator.Version, ""},
		{"bootstrap, assets, deploy, diff", "npm's " + cdk, ""},
		{"the functions (build/*/bootstrap), the CDK app, the waypost commands", "Waypost", "as they are"},
		{"Twilio, Slack, the screens, the loyalty service, and the systems that the example calls", "Waypost's stand-ins", "by the setting egressRoutes"},
		{"the names of function URLs", "Waypost's proxy", "HTTPS_PROXY; the stand-ins report through it"},
	}
}

// bounds say what AWS does and the emulator does not, and what covers it.
func bounds() []row {
	return []row{
		{"functions on arm64", "they run on this machine as they are", "make build makes both"},
		{"the journeys' role, when a machine calls a function", "Step Functions asks nobody whether it may", "its policy is judged above; infra/stack's tests"},
		{"whose Task a function may end by its token", "its IAM does not look for the token's machine", "the roles are lent what it asks for; the deployed policies are judged above; infra/stack's tests"},
		{"iam:PassRole, for Step Functions alone", "its simulation knows no conditions", "infra/stack's tests"},
		{"retries and dead letters of EventBridge's rules", "it calls a target once", "Lambda's own asynchronous retries are tried, by Invoke"},
		{"retries and destinations of an alias", "it reads those of $LATEST", "the deployed alias's are copied there first"},
		{"log format and level (LoggingConfig)", "it keeps them, and sets no variable", "the variables that Lambda sets are given to it"},
		{"metric filters, metrics, alarms", "its patterns of JSON match any line", "the deployed patterns are held against its logs by this program; infra/stack's tests"},
		{"memory, CPU, concurrency, throttling, quotas, prices", "it has none", "make bench; infra/stack/README.md, \"What it meets first\""},
		{"tracing, encryption, point-in-time recovery, dashboards", "it keeps the settings", "infra/stack's tests"},
	}
}

// printBounds prints whose the parts were, and what the run does not show.
func printBounds(out io.Writer) error {
	for _, table := range []struct {
		title string
		head  row
		rows  []row
	}{
		{"Whose the parts were:", row{"PART", "WHOSE", "HOW"}, owners()},
		{"What AWS does and the emulator does not:", row{"WHAT", "WHY", "COVERED BY"}, bounds()},
	} {
		fmt.Fprintf(out, "\n%s\n\n", table.title)
		w := tabwriter.NewWriter(out, 0, 0, 2, ' ', tabwriter.DiscardEmptyColumns)
		for _, r := range append([]row{table.head}, table.rows...) {
			fmt.Fprintf(w, "  %s\t%s\t%s\n", r[0], r[1], r[2])
		}
		if err := w.Flush(); err != nil {
			return err
		}
	}
	return nil
}
