package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"regexp"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatchlogs"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/sfn"
	"github.com/google/go-cmp/cmp"
)

// look reads what the run left in logs, histories and tables: what the metrics
// count must be there, and what is secret must not.
func (w *world) look(ctx context.Context) error {
	w.report.step("Looking at logs, histories and tables")
	list, err := w.deliveries(ctx)
	if err != nil {
		return err
	}
	expected := expectedCounts(list)
	for _, f := range functions() {
		want := expected[f]
		got, err := w.counts(ctx, f)
		if d := cmp.Diff(want, got); err == nil && d != "" {
			err = errors.New(d)
		}
		_ = w.report.check(fmt.Sprintf("the deployed metric filters count in %s's log: %s", f, tally(want)), err)
	}
	credentials, err := credentialsOf(w.bundle)
	if err != nil {
		return err
	}
	phones, err := phonesOf(w.bundle)
	if err != nil {
		return err
	}
	personal := append(phones, credentials...)
	for _, part := range []struct {
		what   string
		read   func(context.Context) (string, error)
		absent []string
	}{
		{"no credential and no phone number is in the functions' logs", w.logs, personal},
		{"no credential and no phone number is in the executions' histories", w.histories, personal},
		{"no credential is in the ledger or the catalog", w.tables, credentials},
	} {
		text, err := part.read(ctx)
		if err == nil && text == "" {
			err = fmt.Errorf("there is nothing to search")
		}
		for _, a := range part.absent {
			if strings.Contains(text, a) {
				err = fmt.Errorf("%q is there", a)
			}
		}
		_ = w.report.check(part.what, err)
	}
	return nil
}

// counts gives, for each deployed metric filter of a function's log, how many
// lines it matches, by its metric's name. It does the matching itself: the
// emulator keeps the patterns of JSON lines, and takes each to match any line.
func (w *world) counts(ctx context.Context, function string) (map[string]int, error) {
	group := w.resource(construct(function) + "Logs")
	filters, err := cloudwatchlogs.NewFromConfig(w.operator).DescribeMetricFilters(ctx, &cloudwatchlogs.DescribeMetricFiltersInput{LogGroupName: &group})
	if err != nil {
		return nil, err
	}
	lines, err := w.lines(ctx, group)
	if err != nil {
		return nil, err
	}
	counts := map[string]int{}
	for _, f := range filters.MetricFilters {
		if got, want := len(f.MetricTransformations), 1; got != want {
			return nil, fmt.Errorf("the filter %s of %s has %d metrics, want %d", aws.ToString(f.FilterName), group, got, want)
		}
		metric := aws.ToString(f.MetricTransformations[0].MetricName)
		counts[metric] += 0 // where no line matches too
		for _, line := range lines {
			matched, err := matches(aws.ToString(f.FilterPattern), line)
			if err != nil {
				return nil, err
			}
			if matched {
				counts[metric]++
			}
		}
	}
	return counts, nil
}

var (
	patternForm = regexp.MustCompile(`^\{ (.+) \}$`)
	patternTerm = regexp.MustCompile(`^\(?\$\.(\w+) = ("[^"]*"|\d+)\)?$`)
)

// matches says whether a pattern of CloudWatch Logs matches a line, for the
// patterns that the stack has: { ($.a = "x") && ($.b = 7) }.
func matches(pattern, line string) (bool, error) {
	form := patternForm.FindStringSubmatch(pattern)
	if form == nil {
		return false, fmt.Errorf("the pattern %s is of a form that this program does not know", pattern)
	}
	var fields map[string]any
	isJSON := json.Unmarshal([]byte(line), &fields) == nil
	for term := range strings.SplitSeq(form[1], " && ") {
		t := patternTerm.FindStringSubmatch(term)
		if t == nil {
			return false, fmt.Errorf("the pattern %s has %s, of a form that this program does not know", pattern, term)
		}
		var want any
		if err := json.Unmarshal([]byte(t[2]), &want); err != nil {
			return false, fmt.Errorf("the pattern %s compares with %s, which is neither text nor a number", pattern, t[2])
		}
		if !isJSON || fields[t[1]] != want {
			return false, nil
		}
	}
	return true, nil
}

// lines reads all lines of a log group.
func (w *world) lines(ctx context.Context, group string) ([]string, error) {
	var lines []string
	pages := cloudwatchlogs.NewFilterLogEventsPaginator(cloudwatchlogs.NewFromConfig(w.operator), &cloudwatchlogs.FilterLogEventsInput{LogGroupName: &group})
	for pages.HasMorePages() {
		page, err := pages.NextPage(ctx)
		if err != nil {
			return nil, err
		}
		for _, e := range page.Events {
			lines = append(lines, aws.ToString(e.Message))
		}
	}
	return lines, nil
}

// logs are the lines of all functions.
func (w *world) logs(ctx context.Context) (string, error) {
	var all []string
	for _, f := range functions() {
		lines, err := w.lines(ctx, w.resource(construct(f)+"Logs"))
		if err != nil {
			return "", err
		}
		all = append(all, lines...)
	}
	return strings.Join(all, "\n"), nil
}

// histories are the events of every execution of every machine.
func (w *world) histories(ctx context.Context) (string, error) {
	client := sfn.NewFromConfig(w.operator)
	machines, err := client.ListStateMachines(ctx, &sfn.ListStateMachinesInput{})
	if err != nil {
		return "", err
	}
	var all strings.Builder
	for _, m := range machines.StateMachines {
		executions, err := client.ListExecutions(ctx, &sfn.ListExecutionsInput{StateMachineArn: m.StateMachineArn})
		if err != nil {
			return "", err
		}
		for _, x := range executions.Executions {
			history, err := client.GetExecutionHistory(ctx, &sfn.GetExecutionHistoryInput{ExecutionArn: x.ExecutionArn, MaxResults: 1000})
			if err != nil {
				return "", err
			}
			if err := json.NewEncoder(&all).Encode(history.Events); err != nil {
				return "", err
			}
		}
	}
	return all.String(), nil
}

// tables are the items of the ledger and the catalog.
func (w *world) tables(ctx context.Context) (string, error) {
	var all strings.Builder
	for _, id := range []string{"Ledger", "Catalog"} {
		pages := dynamodb.NewScanPaginator(dynamodb.NewFromConfig(w.operator), &dynamodb.ScanInput{TableName: aws.String(w.resource(id))})
		for pages.HasMorePages() {
			page, err := pages.NextPage(ctx)
			if err != nil {
				return "", err
			}
			if err := json.NewEncoder(&all).Encode(page.Items); err != nil {
				return "", err
			}
		}
	}
	return all.String(), nil
}
