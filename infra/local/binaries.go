package local

import (
	"cmp"
	"context"
	"encoding/json"
	"maps"
	"os"
	"path/filepath"
	"strconv"

	"golang.org/x/sync/errgroup"

	"github.com/waypost/waypost/infra/local/lambda"
	"github.com/waypost/waypost/infra/local/runtimeapi"
	"github.com/waypost/waypost/shared/assemble"
)

const (
	// maxProcesses bounds each function's processes, where Lambda bounds all of
	// an account's, at 1,000: beyond it an invocation is refused, as there.
	maxProcesses = 50
	// memory is what a process believes to have, in MB: its collector keeps to it.
	memory = 256
)

// runBinaries registers the functions' files below c.Binaries, and starts one
// process of each, so that a file that can't be run is told of now.
func (r *Runtime) runBinaries(ctx context.Context, c Config, common map[string]string) error {
	var starts errgroup.Group
	for name := range Functions() {
		env := maps.Clone(common)
		maps.Copy(env, map[string]string{
			"AWS_LAMBDA_FUNCTION_NAME": name, "AWS_LAMBDA_FUNCTION_VERSION": "$LATEST",
			"AWS_LAMBDA_FUNCTION_MEMORY_SIZE": strconv.Itoa(memory), "AWS_LAMBDA_LOG_FORMAT": "JSON",
			"AWS_LAMBDA_LOG_GROUP_NAME": "/aws/lambda/" + name, "AWS_LAMBDA_LOG_STREAM_NAME": "local",
			"AWS_LAMBDA_INITIALIZATION_TYPE": "on-demand", "_HANDLER": "bootstrap",
			"AWS_REGION": Region, "AWS_DEFAULT_REGION": Region, "AWS_ENDPOINT_URL": r.AWSURL,
			"AWS_ACCESS_KEY_ID": accessKey, "AWS_SECRET_ACCESS_KEY": secretKey,
			// A process must not find what this machine's user has set up for the AWS CLI.
			"AWS_CONFIG_FILE": os.DevNull, "AWS_SHARED_CREDENTIALS_FILE": os.DevNull,
			"PATH": "/usr/local/bin:/usr/bin:/bin", "TZ": ":UTC", "LANG": "en_US.UTF-8",
		})
		f := runtimeapi.New(runtimeapi.Config{Name: name, File: filepath.Join(c.Binaries, name, "bootstrap"), Env: env, Log: r.log})
		r.host.RegisterExecutor(name, f, lambda.Config{Timeout: cmp.Or(c.Timeout, Timeout(name)), Memory: memory, Concurrency: maxProcesses})
		starts.Go(func() error { return f.Start(ctx) })
	}
	return starts.Wait()
}

// variables are the environment variables that assemble.ReadEnv reads e from,
// whose egress policy is given by its two settings.
func variables(e assemble.Env, allow, routes string) map[string]string {
	names, err := json.Marshal(e.Names)
	if err != nil { // a map of strings always encodes
		names = []byte("{}")
	}
	return map[string]string{
		assemble.VarProfiles: e.ProfilesTable, assemble.VarProfileKey: e.ProfileKey, assemble.VarProfilePath: e.ProfilePath,
		assemble.VarCatalog: e.CatalogTable, assemble.VarLedger: e.LedgerTable, assemble.VarLimits: e.LimitsTable,
		assemble.VarDeadLetters: e.DeadLetterQueue, assemble.VarJourneyRole: e.JourneyRole, assemble.VarNames: string(names),
		assemble.VarPrefix: e.Prefix, assemble.VarAllow: allow, assemble.VarRoutes: routes, assemble.VarCallback: e.CallbackURL,
	}
}
