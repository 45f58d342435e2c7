// Command cfnlint holds the stack's golden template against cfn-lint, AWS's
// linter of CloudFormation templates, and fails where it finds anything that
// is not answered here.
//
//	go run ./infra/stack/cfnlint [-require] [TEMPLATE …]
//
// cfn-lint needs Python: where that is missing nothing is held, and the command
// says so and ends well, unless -require was given.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"strings"

	"github.com/waypost/waypost/infra/foreign"
)

// linter is what the template is held against.
var linter = foreign.Package{Name: "cfn-lint", Version: "1.51.0"}

// answered are the rules whose findings stand, each with its reason.
var answered = map[string]string{
	"W3005": "the CDK names each role as a dependency, though the function refers to it too; that does no harm",
}

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	err := run(ctx, os.Args[1:], os.Stdout)
	stop()
	if err != nil {
		fmt.Fprintln(os.Stderr, "cfnlint:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context, args []string, out io.Writer) error {
	flags := flag.NewFlagSet("cfnlint", flag.ContinueOnError)
	require := flags.Bool("require", false, "fail where Python is missing, instead of skipping")
	if err := flags.Parse(args); err != nil {
		return err
	}
	templates := flags.Args()
	if len(templates) == 0 {
		templates = []string{"infra/stack/testdata/waypost-dev.template.json"}
	}
	python, err := foreign.Install(ctx, out, linter)
	if errors.Is(err, foreign.ErrNoPython) && !*require {
		fmt.Fprintln(out, "cfnlint: skipped:", err)
		return nil
	}
	if err != nil {
		return err
	}
	var command []string
	for rule, why := range answered {
		fmt.Fprintf(out, "%s is answered: %s\n", rule, why)
		command = append(command, "--ignore-checks", rule)
	}
	cmd := exec.CommandContext(ctx, filepath.Join(filepath.Dir(python), "cfn-lint"), append(append(command, "--"), templates...)...)
	cmd.Stdout, cmd.Stderr = out, out
	if err := cmd.Run(); err != nil {
		return fmt.Errorf("%s found something in %s (%w)", linter.Name, strings.Join(templates, ", "), err)
	}
	_, err = fmt.Fprintf(out, "%s %s finds nothing more in %s\n", linter.Name, linter.Version, strings.Join(templates, ", "))
	return err
}
