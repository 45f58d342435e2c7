package main

import (
	"slices"

	"github.com/aws/aws-cdk-go/awscdk/v2"
	"github.com/aws/aws-cdk-go/awscdk/v2/awsdynamodb"
	"github.com/aws/aws-cdk-go/awscdk/v2/awsiam"
	"github.com/aws/aws-cdk-go/awscdk/v2/awsstepfunctions"
	"github.com/aws/constructs-go/constructs/v10"
	"github.com/aws/jsii-runtime-go"

	"github.com/waypost/waypost/shared/assemble"
	"github.com/waypost/waypost/shared/journey"
	"github.com/waypost/waypost/statemachines"
)

// newRoles makes the role that journeys run under, and the machine that makes
// the deliveries which a journey does not wait for. What they may do, grant says.
func (s *stack) newRoles() {
	s.journeys = s.statesRole("JourneysRole", "Journeys' state machines run under it")
	s.delivery = awsstepfunctions.NewStateMachine(s.self, jsii.String("Delivery"), &awsstepfunctions.StateMachineProps{
		Comment:        jsii.String("Makes the deliveries of await: none"),
		DefinitionBody: awsstepfunctions.DefinitionBody_FromString(jsii.String(statemachines.Delivery)),
		Role:           s.statesRole("DeliveryRole", "The machine that makes the deliveries of await: none runs under it"),
		RemovalPolicy:  awscdk.RemovalPolicy_DESTROY,
	})
}

// statesRole makes a role that Step Functions may take, for this account alone.
func (s *stack) statesRole(id, does string) awsiam.Role {
	return awsiam.NewRole(s.self, &id, &awsiam.RoleProps{
		Description: &does,
		AssumedBy: awsiam.NewServicePrincipal(jsii.String("states.amazonaws.com"), &awsiam.ServicePrincipalOpts{
			Conditions: &map[string]any{"StringEquals": map[string]any{"aws:SourceAccount": s.self.Account()}},
		}),
	})
}

// functionRole makes a function's role. Lambda's managed policy lets a function
// write every log of the account; this lets it write its own. In a network it
// has the managed policy for that all the same: the interfaces that Lambda makes
// by it have no ARN before they are there, and AWS keeps its list of actions.
func (s *stack) functionRole(scope constructs.Construct, f *lambdaFunction) awsiam.Role {
	role := awsiam.NewRole(scope, jsii.String("Role"), &awsiam.RoleProps{
		Description: jsii.String("The function " + f.name + " runs under it"),
		AssumedBy:   awsiam.NewServicePrincipal(jsii.String("lambda.amazonaws.com"), nil),
	})
	f.logs.GrantWrite(role)
	if f.private && s.vpc != nil {
		role.AddManagedPolicy(awsiam.ManagedPolicy_FromAwsManagedPolicyName(jsii.String("service-role/" + networkPolicy)))
	}
	return role
}

// networkPolicy is the managed policy of functions in a network.
const networkPolicy = "AWSLambdaVPCAccessExecutionRole"

// environment is what a function finds in its environment.
func (s *stack) environment(f function) *map[string]*string {
	env := map[string]*string{
		assemble.VarProfiles: s.tables.profiles.TableName(), assemble.VarProfileKey: &s.tables.profileKey,
		assemble.VarCatalog: s.tables.catalog.TableName(), assemble.VarLedger: s.tables.ledger.TableName(),
	}
	if s.tables.profilePath != "" {
		env[assemble.VarProfilePath] = &s.tables.profilePath
	}
	if f.kind == channel || f.kind == background {
		env[assemble.VarDeadLetters] = s.deadLetters.QueueUrl()
	}
	if f.kind == channel || f.kind == public || f.name == "admin" {
		env[assemble.VarLimits] = s.tables.limits.TableName()
	}
	calls := f.kind == channel || f.kind == condition || f.name == "admin"
	if calls && s.settings.EgressAllow != "" {
		env[assemble.VarAllow] = &s.settings.EgressAllow
	}
	if calls && s.settings.EgressRoutes != "" {
		env[assemble.VarRoutes] = &s.settings.EgressRoutes
	}
	if s.settings.AWSEndpoint != "" {
		env["AWS_ENDPOINT_URL"] = &s.settings.AWSEndpoint // the SDK's own
	}
	if f.name == "admin" {
		env[assemble.VarJourneyRole], env[assemble.VarPrefix] = s.journeys.RoleArn(), &s.prefix
	}
	return &env
}

// name tells the admin function the ARNs that journeys' machines name.
func (s *stack) name() {
	names := map[string]any{journey.NameDelivery: s.delivery.StateMachineArn()}
	for _, f := range s.functions {
		if f.kind == channel || f.kind == condition {
			names[f.name] = f.alias.FunctionArn()
		}
	}
	s.function("admin").self.AddEnvironment(jsii.String(assemble.VarNames), s.self.ToJsonString(names, nil), nil)
}

// tellCallbacks tells the functions that send where providers are to report.
// The callback function itself sees in each request which URL was called, and
// cannot be told before it has one; of an operator's own it is told.
func (s *stack) tellCallbacks() {
	name, to := jsii.String(assemble.VarCallback), s.ofKind(channel)
	at := awscdk.Fn_Join(jsii.String(""), &[]*string{s.function("callback").url.Url(), jsii.String("callback")})
	if own := s.settings.CallbackURL; own != "" {
		at, to = &own, append(to, s.function("callback"))
	}
	for _, f := range to {
		f.self.AddEnvironment(name, at, nil)
	}
}

// grant gives each function, and the machines' roles, what they need and no
// more: the operations that their adapters call, on what they call them.
func (s *stack) grant() {
	for _, f := range s.ofKind(channel) {
		f.alias.GrantInvoke(s.journeys)
		f.alias.GrantInvoke(s.delivery)
		allow(f, s.tables.profiles, "GetItem")
		allow(f, s.tables.catalog, "GetItem")
		allow(f, s.tables.ledger, "GetItem", "PutItem", "UpdateItem")
		switch f.name {
		case "signage": // it reads what was last sent to a screen
			allow(f, s.tables.limits, "GetItem", "UpdateItem")
		case "sms": // it reads and notes opt-outs
			allow(f, s.tables.limits, "GetItem", "PutItem", "UpdateItem")
		default:
			allow(f, s.tables.limits, "UpdateItem")
		}
		s.deadLetters.Grant(f.self, jsii.String("sqs:SendMessage"))
		s.allowWaking(f)
		s.allowSecrets(f)
		s.allowKeys(f, "dynamodb", "secretsmanager")
	}
	for _, f := range s.ofKind(condition) {
		f.alias.GrantInvoke(s.journeys)
		allow(f, s.tables.profiles, "GetItem")
		allow(f, s.tables.catalog, "GetItem") // of sources
		s.allowSecrets(f)
		s.allowKeys(f, "dynamodb", "secretsmanager")
	}
	s.delivery.GrantStartExecution(s.journeys)

	entry := s.function("entry")
	allow(entry, s.tables.catalog, "GetItem", "Query")
	allow(entry, s.tables.ledger, "GetItem", "PutItem", "UpdateItem")
	s.allowMachines(entry, "StartExecution")

	callback := s.function("callback")
	allow(callback, s.tables.catalog, "GetItem")
	allow(callback, s.tables.ledger, "GetItem", "UpdateItem")
	allow(callback, s.tables.limits, "PutItem") // opt-outs
	s.allowSecrets(callback)
	s.allowKeys(callback, "secretsmanager")
	s.allowWaking(callback)

	sweep := s.function("sweep")
	allow(sweep, s.tables.catalog, "GetItem")
	allow(sweep, s.tables.ledger, "Query", "GetItem", "PutItem", "UpdateItem", "DeleteItem")
	s.allowMachines(sweep, "StartExecution")
	s.allowExecutions(sweep, "DescribeExecution")
	s.deadLetters.Grant(sweep.self, jsii.String("sqs:SendMessage"))
	s.allowWaking(sweep)

	admin := s.function("admin")
	allow(admin, s.tables.profiles, "GetItem", "PutItem", "UpdateItem")
	s.allowKeys(admin, "dynamodb")
	allow(admin, s.tables.catalog, "GetItem", "Query", "PutItem")
	allow(admin, s.tables.ledger, "GetItem", "Query", "PutItem", "UpdateItem") // it writes replays
	allow(admin, s.tables.limits, "GetItem", "PutItem", "UpdateItem")          // opt-outs
	s.delivery.GrantStartExecution(admin.self)
	s.allowMachines(admin, "CreateStateMachine", "UpdateStateMachine", "TagResource")
	s.allowExecutions(admin, "DescribeExecution", "GetExecutionHistory")
	// AWS lists machines as a whole, and has no resource for less.
	statement(admin, []string{"states:ListStateMachines"}, "*")
	admin.self.AddToRolePolicy(awsiam.NewPolicyStatement(&awsiam.PolicyStatementProps{
		Actions: jsii.Strings("iam:PassRole"), Resources: &[]*string{s.journeys.RoleArn()},
		Conditions: &map[string]any{"StringEquals": map[string]any{"iam:PassedToService": "states.amazonaws.com"}},
	}))
}

// allow lets a function do operations on a table, and on its indexes those
// that read by them.
func allow(f *lambdaFunction, table awsdynamodb.ITable, operations ...string) {
	resources := []string{*table.TableArn()}
	if slices.Contains(operations, "Query") {
		resources = append(resources, *table.TableArn()+"/index/*")
	}
	statement(f, actionsOf("dynamodb", operations), resources...)
}

// statement lets a function do what no grant of CDK's covers.
func statement(f *lambdaFunction, actions []string, resources ...string) {
	f.self.AddToRolePolicy(awsiam.NewPolicyStatement(&awsiam.PolicyStatementProps{
		Actions: jsii.Strings(actions...), Resources: jsii.Strings(resources...),
	}))
}

// allowSecrets lets a function read secrets by name: those of the environment's
// settings, or all of Waypost's. The ARN of a secret ends in six characters
// that Secrets Manager adds to its name.
func (s *stack) allowSecrets(f *lambdaFunction) {
	names := s.settings.Functions[f.name].Secrets
	if len(names) == 0 {
		names = []string{"waypost/*"}
	}
	var arns []string
	for _, name := range names {
		if name[len(name)-1] != '*' {
			name += "-??????"
		}
		arns = append(arns, *s.self.FormatArn(&awscdk.ArnComponents{Service: jsii.String("secretsmanager"), Resource: jsii.String("secret"),
			ResourceName: &name, ArnFormat: awscdk.ArnFormat_COLON_RESOURCE_NAME}))
	}
	statement(f, []string{"secretsmanager:GetSecretValue"}, arns...)
}

// allowKeys lets a function read, through services, what the environment's own
// keys encrypt: secrets, and the profile table. The stack's tables have AWS's
// key, so that entry and sweep, which have no others, need none.
func (s *stack) allowKeys(f *lambdaFunction, services ...string) {
	if len(s.settings.KMSKeys) == 0 {
		return
	}
	via := make([]string, len(services))
	for i, service := range services {
		via[i] = service + "." + *s.self.Region() + ".amazonaws.com"
	}
	f.self.AddToRolePolicy(awsiam.NewPolicyStatement(&awsiam.PolicyStatementProps{
		Actions: jsii.Strings("kms:Decrypt"), Resources: jsii.Strings(s.settings.KMSKeys...),
		Conditions: &map[string]any{"StringEquals": map[string]any{"kms:ViaService": via}},
	}))
}

// allowMachines lets a function do operations on the journeys' machines: those
// whose names begin with the environment's prefix.
func (s *stack) allowMachines(f *lambdaFunction, operations ...string) {
	statement(f, actionsOf("states", operations), s.statesARN("stateMachine", s.prefix+"*"))
}

// allowWaking lets a function wake the steps of journeys that await a status.
// AWS's list of actions names no resource for these two, and yet they are
// checked against the ARN of the machine whose Task waits: so says AWS's own
// refusal, and CDK's grantTaskResponse grants just that.
func (s *stack) allowWaking(f *lambdaFunction) {
	s.allowMachines(f, "SendTaskSuccess", "SendTaskFailure")
}

// allowExecutions lets a function do operations on the executions of the
// journeys' machines and of the delivery machine.
func (s *stack) allowExecutions(f *lambdaFunction, operations ...string) {
	statement(f, actionsOf("states", operations), s.statesARN("execution", s.prefix+"*:*"),
		s.statesARN("execution", *s.delivery.StateMachineName()+":*"))
}

func (s *stack) statesARN(resource, name string) string {
	return *s.self.FormatArn(&awscdk.ArnComponents{Service: jsii.String("states"), Resource: &resource, ResourceName: &name,
		ArnFormat: awscdk.ArnFormat_COLON_RESOURCE_NAME})
}

func actionsOf(service string, operations []string) []string {
	actions := make([]string, len(operations))
	for i, o := range operations {
		actions[i] = service + ":" + o
	}
	return actions
}
