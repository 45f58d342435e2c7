package states

import (
	"bytes"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/waypost/waypost/infra/local/states/asl"
)

// describe gives a definition's faults as CreateStateMachine tells them.
func describe(found []asl.Diagnostic) error {
	parts := make([]string, len(found))
	for i, d := range found {
		parts[i] = "'" + d.String() + "'"
	}
	return &apiError{"InvalidDefinition", "Invalid State Machine Definition: " + strings.Join(parts, ", ")}
}

func compile(definition string, express bool) (*asl.Machine, error) {
	if len(definition) > maxDefinition {
		return nil, invalid("definition", "Member must have length less than or equal to 1048576")
	}
	m, found := asl.Parse([]byte(definition), express)
	if found != nil {
		return nil, describe(found)
	}
	return m, nil
}

type createRequest struct {
	Name                 string          `json:"name"`
	Definition           string          `json:"definition"`
	RoleArn              string          `json:"roleArn"`
	Type                 string          `json:"type"`
	LoggingConfiguration json.RawMessage `json:"loggingConfiguration"`
	TracingConfiguration json.RawMessage `json:"tracingConfiguration"`
	Tags                 []tag           `json:"tags"`
	Publish              bool            `json:"publish"`
}

// createStateMachine makes a machine. AWS makes this idempotent: the same name,
// definition, type, logging and tracing is answered as the first time, without
// regard to the role and the tags; the definition is compared as text.
func (e *Engine) createStateMachine(in createRequest) (any, error) {
	express, err := isExpress(in.Type)
	if err != nil {
		return nil, err
	}
	if in.Publish {
		return nil, &apiError{"ValidationException", "Versions of state machines ('publish') are not implemented by the local Step Functions."}
	}
	if err := checkName(in.Name); err != nil {
		return nil, err
	}
	if !strings.HasPrefix(in.RoleArn, "arn:") {
		return nil, &apiError{"InvalidArn", "Invalid Role Arn: '" + in.RoleArn + "'"}
	}
	program, err := compile(in.Definition, express)
	if err != nil {
		return nil, err
	}
	m := &stateMachine{
		arn:  "arn:aws:states:" + Region + ":" + Account + ":stateMachine:" + in.Name,
		name: in.Name, express: express, created: time.Now(),
		current: &revision{definition: in.Definition, role: in.RoleArn, program: program},
		logging: orElse(in.LoggingConfiguration, `{"level":"OFF","includeExecutionData":false}`),
		tracing: orElse(in.TracingConfiguration, `{"enabled":false}`),
		tags:    in.Tags,
	}
	e.mu.Lock()
	defer e.mu.Unlock()
	if old, ok := e.machines[m.arn]; ok {
		// The same request again is answered as the first was; AWS compares these too.
		if old.current.definition != in.Definition || old.express != express || !same(old.logging, m.logging) || !same(old.tracing, m.tracing) {
			return nil, &apiError{"StateMachineAlreadyExists", "State Machine Already Exists: '" + m.arn + "'"}
		}
		m = old
	} else {
		e.machines[m.arn] = m
		e.order = append(e.order, m)
	}
	return object{"stateMachineArn": m.arn, "creationDate": stamp(m.created)}, nil
}

func isExpress(kind string) (bool, error) {
	switch kind {
	case "", "STANDARD":
		return false, nil
	case "EXPRESS":
		return true, nil
	}
	return false, &apiError{"ValidationException", "1 validation error detected: Value '" + kind +
		"' at 'type' failed to satisfy constraint: Member must satisfy enum value set: [STANDARD, EXPRESS]"}
}

// orElse gives a configuration as it was given, to be shown again: the local
// runtime neither logs nor traces executions.
func orElse(given json.RawMessage, otherwise string) json.RawMessage {
	if len(given) == 0 {
		return json.RawMessage(otherwise)
	}
	return given
}

func same(a, b json.RawMessage) bool { return bytes.Equal(a, b) }

// named finds a machine. The caller holds the lock.
func (e *Engine) named(arn string) (*stateMachine, error) {
	if err := arnOf(arn, "stateMachine"); err != nil {
		return nil, err
	}
	if m, ok := e.machines[arn]; ok {
		return m, nil
	}
	return nil, noMachine(arn)
}

type machineRequest struct {
	StateMachineArn string `json:"stateMachineArn"`
	IncludedData    string `json:"includedData"`
}

func (e *Engine) describeStateMachine(in machineRequest) (any, error) {
	e.mu.Lock()
	defer e.mu.Unlock()
	m, err := e.named(in.StateMachineArn)
	if err != nil {
		return nil, err
	}
	out := m.describe(m.current, in.IncludedData)
	out["status"], out["type"], out["creationDate"] = "ACTIVE", m.kind(), stamp(m.created)
	return out, nil
}

func (m *stateMachine) kind() string {
	if m.express {
		return "EXPRESS"
	}
	return "STANDARD"
}

func (m *stateMachine) describe(r *revision, included string) object {
	out := object{
		"stateMachineArn": m.arn, "name": m.name, "roleArn": r.role,
		"loggingConfiguration": m.logging, "tracingConfiguration": m.tracing,
	}
	if included != "METADATA_ONLY" {
		out["definition"] = r.definition
	}
	if r.id != "" {
		out["revisionId"] = r.id
	}
	return out
}

type updateRequest struct {
	StateMachineArn      string          `json:"stateMachineArn"`
	Definition           *string         `json:"definition"`
	RoleArn              *string         `json:"roleArn"`
	LoggingConfiguration json.RawMessage `json:"loggingConfiguration"`
	TracingConfiguration json.RawMessage `json:"tracingConfiguration"`
}

// updateStateMachine changes a machine for the executions to come.
func (e *Engine) updateStateMachine(in updateRequest) (any, error) {
	if in.Definition == nil && in.RoleArn == nil && in.LoggingConfiguration == nil && in.TracingConfiguration == nil {
		return nil, &apiError{"MissingRequiredParameter",
			"Either the definition, the role ARN, the LoggingConfiguration, or the TracingConfiguration must be specified"}
	}
	e.mu.Lock()
	defer e.mu.Unlock()
	m, err := e.named(in.StateMachineArn)
	if err != nil {
		return nil, err
	}
	next := *m.current
	if in.Definition != nil {
		if next.program, err = compile(*in.Definition, m.express); err != nil {
			return nil, err
		}
		next.definition = *in.Definition
	}
	if in.RoleArn != nil {
		next.role = *in.RoleArn
	}
	if next.definition != m.current.definition || next.role != m.current.role {
		next.id = asl.UUID()
	}
	next.updated = time.Now()
	m.logging = orElse(in.LoggingConfiguration, string(m.logging))
	m.tracing = orElse(in.TracingConfiguration, string(m.tracing))
	m.current = &next // running executions keep theirs
	out := object{"updateDate": stamp(next.updated)}
	if next.id != "" {
		out["revisionId"] = next.id
	}
	return out, nil
}

// deleteStateMachine forgets a machine at once. AWS waits, as DELETING, until
// its executions have ended; here they go on, and can be described, without it.
func (e *Engine) deleteStateMachine(in struct {
	StateMachineArn string `json:"stateMachineArn"`
}) (any, error) {
	if err := arnOf(in.StateMachineArn, "stateMachine"); err != nil {
		return nil, err
	}
	e.mu.Lock()
	defer e.mu.Unlock()
	if m, ok := e.machines[in.StateMachineArn]; ok {
		delete(e.machines, in.StateMachineArn)
		e.order = slices.DeleteFunc(e.order, func(o *stateMachine) bool { return o == m })
	}
	return object{}, nil // what is not there is deleted already, says AWS
}

// listStateMachines lists machines in the order of their creation.
func (e *Engine) listStateMachines(in page) (any, error) {
	limit, from, err := in.bounds()
	if err != nil {
		return nil, err
	}
	e.mu.Lock()
	defer e.mu.Unlock()
	list := []object{}
	out := object{}
	for i := from; i < len(e.order); i++ {
		if len(list) == limit {
			out["nextToken"] = nextToken(i)
			break
		}
		m := e.order[i]
		list = append(list, object{"stateMachineArn": m.arn, "name": m.name, "type": m.kind(), "creationDate": stamp(m.created)})
	}
	out["stateMachines"] = list
	return out, nil
}

type validateRequest struct {
	Definition string `json:"definition"`
	Type       string `json:"type"`
	Severity   string `json:"severity"`
	MaxResults int    `json:"maxResults"`
}

// validateDefinition checks a definition without making a machine of it. It
// knows errors alone, no warnings, so the severity asked for changes nothing.
func (e *Engine) validateDefinition(in validateRequest) (any, error) {
	express, err := isExpress(in.Type)
	if err != nil {
		return nil, err
	}
	if len(in.Definition) > maxDefinition {
		return nil, invalid("definition", "Member must have length less than or equal to 1048576")
	}
	if in.MaxResults < 0 || in.MaxResults > 100 {
		return nil, invalid("maxResults", "Member must have value from 0 to 100")
	}
	_, found := asl.Parse([]byte(in.Definition), express)
	limit := in.MaxResults
	if limit == 0 {
		limit = 100
	}
	list := []object{}
	for _, d := range found[:min(limit, len(found))] {
		o := object{"severity": "ERROR", "code": d.Code, "message": d.Message}
		if d.Location != "" {
			o["location"] = d.Location
		}
		list = append(list, o)
	}
	result := "OK"
	if found != nil {
		result = "FAIL"
	}
	return object{"result": result, "diagnostics": list, "truncated": len(found) > limit}, nil
}

type tagsRequest struct {
	ResourceArn string   `json:"resourceArn"`
	Tags        []tag    `json:"tags"`
	TagKeys     []string `json:"tagKeys"`
}

// tagged finds the machine whose tags a request is about. The caller holds the lock.
func (e *Engine) tagged(arn string) (*stateMachine, error) {
	if err := arnOf(arn, "stateMachine"); err != nil {
		return nil, err
	}
	if m, ok := e.machines[arn]; ok {
		return m, nil
	}
	return nil, &apiError{"ResourceNotFound", fmt.Sprintf("Resource not found: '%s'", arn)}
}

func (e *Engine) listTags(in tagsRequest) (any, error) {
	e.mu.Lock()
	defer e.mu.Unlock()
	m, err := e.tagged(in.ResourceArn)
	if err != nil {
		return nil, err
	}
	return object{"tags": append([]tag{}, m.tags...)}, nil
}

func (e *Engine) tagResource(in tagsRequest) (any, error) {
	e.mu.Lock()
	defer e.mu.Unlock()
	m, err := e.tagged(in.ResourceArn)
	if err != nil {
		return nil, err
	}
	for _, t := range in.Tags {
		m.tags = slices.DeleteFunc(m.tags, func(o tag) bool { return o.Key == t.Key })
		m.tags = append(m.tags, t)
	}
	return object{}, nil
}

func (e *Engine) untagResource(in tagsRequest) (any, error) {
	e.mu.Lock()
	defer e.mu.Unlock()
	m, err := e.tagged(in.ResourceArn)
	if err != nil {
		return nil, err
	}
	m.tags = slices.DeleteFunc(m.tags, func(t tag) bool { return slices.Contains(in.TagKeys, t.Key) })
	return object{}, nil
}
