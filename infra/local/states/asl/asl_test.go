package asl_test

import (
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/waypost/waypost/infra/local/states/asl"
	"github.com/waypost/waypost/infra/local/states/value"
)

func decode(t testing.TB, s string) any {
	t.Helper()
	v, err := value.Decode([]byte(s))
	if err != nil {
		t.Fatalf("%s: %v", s, err)
	}
	return v
}

const store = `{"a":{"b":[1,2,{"c":"x"}],"n":null},"list":[{"n":1,"t":"x"},{"n":2,"t":"y"},{"n":3}],"we ird":{"k-1":true,"it's":1},"Test\\\"\"Name\"":"q"}`

func TestPathGet(t *testing.T) {
	for _, tc := range []struct{ path, want string }{
		{"$.a.b[2].c", `"x"`}, {"$['a']['n']", `null`}, {`$["a"].b[0]`, `1`}, {"$['we ird'].k-1", `true`}, {`$['we ird']['it\'s']`, `1`},
		{`$['Test\""Name"']`, `"q"`}, {"$.a.b[-1].c", `"x"`},
		{"$.list[*].n", `[1,2,3]`}, {"$.list[*].t", `["x","y"]`}, {"$.list.*.n", `[1,2,3]`}, {"$.list[0,2].n", `[1,3]`},
		{"$.list[1:].n", `[2,3]`}, {"$.list[:-1].n", `[1,2]`}, {"$.list[-2:].n", `[2,3]`}, {"$.list[5:]", `[]`}, {"$.list[2:1]", `[]`},
		{"$..n", `[null,1,2,3]`}, {"$..c", `["x"]`}, {"$.a..*", `[[1,2,{"c":"x"}],null,1,2,{"c":"x"},"x"]`}, {"$.a[*]", `[[1,2,{"c":"x"}],null]`},
		{"$.list[?(@.n > 1)].n", `[2,3]`}, {"$.list[?(@.t == 'y')].n", `[2]`}, {"$.list[?(@.t)].n", `[1,2]`}, {"$.list[?(!@.t)].n", `[3]`},
		{"$.list[?(@.n >= 2 && (@.t == 'y' || @.n < 0))].n", `[2]`}, {"$.list[?(@.n != 2)].n", `[1,3]`}, {"$.list[?(@.n == $.a.b[1])].t", `["y"]`},
		{"$.list[?(@.n == 9)]", `[]`}, {"$.a.b[?(@ == 2)]", `[2]`}, {"$.list[?(@.t > 1)]", `[]`}, {"$.list[?(@.t != null)].n", `[1,2,3]`},
		{"$.missing", "no value: $['missing']"}, {"$.a.missing.x", "no value: $['a']['missing']"}, {"$.a.b[7]", "no value: $['a']['b'][7]"},
		{"$.missing[*].x", "no value: $['missing']"}, {"$.a.n.x", "no value: $['a']['n']['x']"},
	} {
		p, err := asl.ParsePath(tc.path)
		if err != nil {
			t.Errorf("%s: %v", tc.path, err)
			continue
		}
		got := ""
		v, err := p.Get(decode(t, store), nil)
		if missing, ok := errors.AsType[*asl.NoValueError](err); ok {
			got = "no value: " + missing.Missing
		} else {
			got = value.Encode(v)
		}
		if got != tc.want {
			t.Errorf("%s: got %s, want %s", tc.path, got, tc.want)
		}
	}
}

func TestPathRefused(t *testing.T) {
	for path, want := range map[string]string{
		"a.b": "begins with '$'", "": "begins with '$'", "$.": "ends too early", "$.a[": "ends too early", "$.a[x]": "not understood",
		"$a": "not understood", "$.a b": "not understood", "$.a.length()": `"length()" is not implemented`, "$['a','b']": "union of names",
		"$.a[::2]": "slice with a step", "$.a[0:4:2]": "slice with a step", "$.a[(@.length-1)]": "computed", "$.a[?(@.b =~ /x/)]": `"=~" is not implemented`,
		"$.a[?(@.b in ['x'])]": `"in" is not implemented`, "$.a[?(1)]": "not understood", "$.a[99999999999]": "no index", "$$$": "not understood", "$['a": "ends too early",
		"$.a[?(" + strings.Repeat("(", 100) + "@.b": "nests too deep",
	} {
		if _, err := asl.ParsePath(path); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%.40q: got %v, want …%s…", path, err, want)
		}
	}
	for _, path := range []string{"$.a[*]", "$..a", "$.a[1:2]", "$.a[0,1]", "$.a[?(@.b)]", "$.a[-1]"} {
		if _, err := asl.ParseReference(path); err == nil || !strings.Contains(err.Error(), "not a reference path") {
			t.Errorf("%s: got %v, want a refusal", path, err)
		}
	}
}

func TestPathSet(t *testing.T) {
	for _, tc := range []struct{ in, path, want string }{
		{`{"a":1}`, "$", `"v"`}, {`{"a":1}`, "$.a", `{"a":"v"}`}, {`{"a":1}`, "$.b.c", `{"a":1,"b":{"c":"v"}}`},
		{`{"a":[1,2]}`, "$.a[1]", `{"a":[1,"v"]}`}, {`{"a":[{"b":1}]}`, "$.a[0].c", `{"a":[{"b":1,"c":"v"}]}`},
		{`{"a":[1]}`, "$.a[1]", "unable"}, {`{"a":1}`, "$.a.b", "unable"}, {`{"a":null}`, "$.a.b", "unable"}, {`"s"`, "$.a", "unable"}, {`{}`, "$[0]", "unable"},
	} {
		p, err := asl.ParseReference(tc.path)
		if err != nil {
			t.Fatal(err)
		}
		in := decode(t, tc.in)
		got := "unable"
		if v, err := p.Set(in, "v"); err == nil {
			got = value.Encode(v)
		}
		if got != tc.want {
			t.Errorf("%s in %s: got %s, want %s", tc.path, tc.in, got, tc.want)
		}
		if after := value.Encode(in); after != tc.in {
			t.Errorf("%s changed its input to %s", tc.path, after)
		}
	}
}

// The results are those that AWS was recorded to give, where it was.
func TestFunctions(t *testing.T) {
	for _, tc := range []struct{ call, input, want string }{
		{`States.Format('a {} {}', $.x, 'b')`, `{"x":1.5}`, `"a 1.5 b"`},
		{`States.Format('{}', $.x)`, `{"x":{"Arg1":1,"Arg2":[]}}`, `"{Arg1=1, Arg2=[]}"`},
		{`States.Format('{} {}', $.x, $.x)`, `{"x":null}`, `"null null"`},
		{`States.Format('\{{}\} it\'s \\', 1)`, `{}`, `"{1} it's \\"`},
		{`States.Format($.f, 1)`, `{"f":"<{}>"}`, `"<1>"`},
		{`States.Format('{}')`, `{}`, "error: there are more {} than values"},
		{`States.Format('x', 1)`, `{}`, "error: there are more values than {}"},
		{`States.StringToJson($.x)`, `{"x":""}`, `null`},
		{`States.StringToJson($.x)`, `{"x":"{\"b\":1,\"a\":[1.50]}"}`, `{"b":1,"a":[1.50]}`},
		{`States.StringToJson($.x)`, `{"x":"{"}`, "error: the string is not JSON"},
		{`States.StringToJson('{"constant_in_literal": "false"}')`, `{}`, `{"constant_in_literal":"false"}`},
		{`States.JsonToString($)`, `{"z":1,"a":"<&>"}`, `"{\"z\":1,\"a\":\"<&>\"}"`},
		{`States.Array()`, `{}`, `[]`},
		{`States.Array($.x, 'b', null, -1.5, false)`, `{"x":[]}`, `[[],"b",null,-1.5,false]`},
		{`States.ArrayPartition($, 3)`, `[0,1,2,3]`, `[[0,1,2],[3]]`},
		{`States.ArrayPartition($, 0)`, `[0]`, "error: the size of a part must be a whole number above 0"},
		{`States.ArrayContains($.l, $.v)`, `{"l":[{"a":1,"b":2}],"v":{"b":2,"a":1.0}}`, `true`},
		{`States.ArrayRange(0, 10, 3)`, `{}`, `[0,3,6,9]`},
		{`States.ArrayRange(0, 5000, 1)`, `{}`, "error: the range has more than 1000 numbers"},
		{`States.ArrayRange(1, 2, 0)`, `{}`, "error: the step must be above 0"},
		{`States.ArrayGetItem($, 1)`, `["a","b"]`, `"b"`},
		{`States.ArrayGetItem($, 2)`, `["a","b"]`, "error: the index is not in the array"},
		{`States.ArrayLength($)`, `[1,2]`, `2`},
		{`States.ArrayLength($)`, `"no"`, "error: the first argument must be an array"},
		{`States.ArrayUnique($)`, `[1,1.0,"1",null,null,{"a":1,"b":2},{"b":2,"a":1}]`, `[1,"1",null,{"a":1,"b":2}]`},
		{`States.Base64Encode('Some text')`, `{}`, `"U29tZSB0ZXh0"`},
		{`States.Base64Decode('U29tZSB0ZXh0')`, `{}`, `"Some text"`},
		{`States.Base64Decode('*')`, `{}`, "error: the string is not base64"},
		{`States.Hash('input data', 'SHA-1')`, `{}`, `"aaff4a450a104cd177d28d18d74485e8cae074b7"`},
		{`States.Hash('x', 'CRC')`, `{}`, "error: the algorithm must be MD5, SHA-1, SHA-256, SHA-384 or SHA-512"},
		{`States.JsonMerge($.a, $.b, false)`, `{"a":{"a":{"a1":1},"b":2,"d":3},"b":{"a":{"a3":1},"c":3,"d":4}}`, `{"a":{"a3":1},"b":2,"d":4,"c":3}`},
		{`States.JsonMerge($, $, true)`, `{}`, "error: the third argument must be false: merging in depth does not exist"},
		{`States.MathAdd(1.49, 1.5)`, `{}`, `3`}, {`States.MathAdd(-1.5, -1.51)`, `{}`, `-3`}, {`States.MathAdd(-0.5, 0.5)`, `{}`, `1`},
		{`States.MathAdd('a', 1)`, `{}`, "error: the arguments must be numbers"},
		{`States.MathRandom(3, 4)`, `{}`, `3`}, {`States.MathRandom(4, 4)`, `{}`, "error: the end must be above the start"},
		{`States.StringSplit('This.is+a,test=string', '.+,=')`, `{}`, `["This","is","a","test","string"]`},
		{`States.StringSplit(',,,,', ',')`, `{}`, `[]`},
		{"States.StringSplit('Hello\nWorld', '\n')", `{}`, `["Hello","World"]`},
		{`States.ArrayLength(States.StringSplit(States.UUID(), '-'))`, `{}`, `5`},
		{`States.MathAdd( States.ArrayLength($['a b']) , $.n )`, `{"a b":[1,2],"n":1}`, `3`},
	} {
		e, err := asl.ParseExpression(tc.call)
		if err != nil {
			t.Errorf("%s: %v", tc.call, err)
			continue
		}
		got := ""
		v, err := e.Eval("v.$", decode(t, tc.input), nil)
		if fault, ok := errors.AsType[*asl.FunctionError](err); ok {
			got = "error: " + fault.Reason
		} else {
			got = value.Encode(v)
		}
		if got != tc.want {
			t.Errorf("%s of %s: got %s, want %s", tc.call, tc.input, got, tc.want)
		}
	}
}

func TestFunctionsRefused(t *testing.T) {
	for call, want := range map[string]string{
		"States.Nope()": `no function "States.Nope"`, "States.UUID(1)": "takes 0 arguments, not 1", "States.Hash('x')": "takes 2 arguments, not 1",
		"States.UUID": "lacks its parentheses", "States.UUID() x": "more than the call", "States.Format('x": "lacks its closing quote",
		`States.Format("x")`: "is no argument", "States.Format('a' 'b')": "followed by neither", "States.Array(1,)": "is no argument",
		`States.StringToJson('{\"a\":1}')`: "a backslash in a string", "States.Array($.a[)": "is not understood", "nothing": "begins with neither",
		strings.Repeat("States.Array(", 12) + strings.Repeat(")", 12): "nested deeper than 10",
	} {
		if _, err := asl.ParseExpression(call); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%.60s: got %v, want …%s…", call, err, want)
		}
	}
}

func TestMatches(t *testing.T) {
	for _, tc := range []struct {
		list, name string
		want       bool
	}{
		{"A B", "B", true}, {"A", "B", false}, {"States.ALL", "B", true}, {"States.ALL", "States.Timeout", true},
		{"States.TaskFailed", "B", true}, {"States.TaskFailed", "States.Timeout", false}, {"States.Timeout", "States.Timeout", true},
		{"States.ALL", "States.DataLimitExceeded", false}, {"States.TaskFailed", "States.DataLimitExceeded", false},
		{"States.DataLimitExceeded", "States.DataLimitExceeded", true}, {"States.ALL", "States.Runtime", false}, {"States.Runtime", "States.Runtime", false},
		{"States.TaskFailed", "States.ResultPathMatchFailure", true},
	} {
		if got := asl.Matches(strings.Fields(tc.list), tc.name); got != tc.want {
			t.Errorf("%s for %s: got %v, want %v", tc.list, tc.name, got, tc.want)
		}
	}
}

// Every refusal is by name and place.
func TestRefused(t *testing.T) {
	state := func(s string) string { return `{"StartAt":"A","States":{"A":{` + s + `}}}` }
	task := func(s string) string {
		return state(`"Type":"Task","Resource":"arn:aws:states:::lambda:invoke","Parameters":{"FunctionName":"f"},"End":true` + s)
	}
	for _, tc := range []struct{ name, definition, want string }{
		{"not JSON", `{`, "INVALID_JSON_DESCRIPTION: unexpected end of JSON input"},
		{"not an object", `[]`, "SCHEMA_VALIDATION_FAILED: Definition must be a valid JSON object"},
		{"empty", `{}`, "SCHEMA_VALIDATION_FAILED: These fields are required: [States, StartAt] at /"},
		{"a field twice", `{"StartAt":"A","States":{"A":{"Type":"Succeed"},"A":{"Type":"Succeed"}}}`, "INVALID_JSON_DESCRIPTION: Duplicate field at /States/A"},
		{"a top field", `{"StartAt":"A","Extra":1,"States":{"A":{"Type":"Succeed"}}}`, "SCHEMA_VALIDATION_FAILED: Field 'Extra' is not supported at /"},
		{"JSONata", `{"QueryLanguage":"JSONata","StartAt":"A","States":{"A":{"Type":"Succeed"}}}`, "SCHEMA_VALIDATION_FAILED: The query language 'JSONata' is not supported: it must be JSONPath at /QueryLanguage"},
		{"version", `{"Version":"2.0","StartAt":"A","States":{"A":{"Type":"Succeed"}}}`, `SCHEMA_VALIDATION_FAILED: Value must be "1.0" at /Version`},
		{"JSONata in a state", state(`"Type":"Pass","QueryLanguage":"JSONata","End":true`), "SCHEMA_VALIDATION_FAILED: The query language 'JSONata' is not supported: it must be JSONPath at /States/A/QueryLanguage"},
		{"a type", state(`"Type":"Tusk"`), "SCHEMA_VALIDATION_FAILED: The field 'Type' should have one of these values: [Task, Wait, Pass, Succeed, Fail, Choice, Parallel, Map] at /States/A/Type"},
		{"variables", state(`"Type":"Pass","Assign":{},"End":true`), "SCHEMA_VALIDATION_FAILED: Field 'Assign' is not supported at /States/A"},
		{"a field of another type", state(`"Type":"Pass","Seconds":1,"End":true`), "SCHEMA_VALIDATION_FAILED: Field 'Seconds' is not supported at /States/A"},
		{"no StartAt", `{"StartAt":"B","States":{"A":{"Type":"Succeed"}}}`, "MISSING_TRANSITION_TARGET: Missing 'StartAt' target: B at /StartAt"},
		{"no target", state(`"Type":"Pass","Next":"B"`), "MISSING_TRANSITION_TARGET: Missing 'Next' target: B at /States/A"},
		{"not reachable", `{"StartAt":"A","States":{"A":{"Type":"Succeed"},"B":{"Type":"Succeed"}}}`, `MISSING_TRANSITION_TARGET: State "B" is not reachable. at /States/B`},
		{"neither Next nor End", state(`"Type":"Pass"`), "SCHEMA_VALIDATION_FAILED: These fields are required: [Next] at /States/A"},
		{"a resource", state(`"Type":"Task","Resource":"arn:aws:states:::sqs:sendMessage","End":true`), "SCHEMA_VALIDATION_FAILED: The resource provided arn:aws:states:::sqs:sendMessage is not recognized."},
		{"sync", state(`"Type":"Task","Resource":"arn:aws:states:::states:startExecution.sync:2","End":true`), "SCHEMA_VALIDATION_FAILED: The resource provided arn:aws:states:::states:startExecution.sync:2 is not recognized."},
		{"a parameter", state(`"Type":"Task","Resource":"arn:aws:states:::lambda:invoke","Parameters":{"FunctionName":"f","LogType":"Tail"},"End":true`), "SCHEMA_VALIDATION_FAILED: The field 'LogType' is not supported by Step Functions at /States/A/Parameters"},
		{"no function", state(`"Type":"Task","Resource":"arn:aws:states:::lambda:invoke","Parameters":{},"End":true`), "SCHEMA_VALIDATION_FAILED: The field 'FunctionName' is required but was missing at /States/A/Parameters"},
		{"an event invocation", state(`"Type":"Task","Resource":"arn:aws:states:::lambda:invoke","Parameters":{"FunctionName":"f","InvocationType":"Event"},"End":true`), "SCHEMA_VALIDATION_FAILED: The field 'InvocationType' is only supported as 'RequestResponse' at /States/A/Parameters"},
		{"credentials", task(`,"Credentials":{}`), "SCHEMA_VALIDATION_FAILED: Field 'Credentials' is not supported at /States/A"},
		{"a path", state(`"Type":"Pass","InputPath":"a","End":true`), "SCHEMA_VALIDATION_FAILED: Value is not a valid JSONPath: a path begins with '$', but this is \"a\" at /States/A/InputPath"},
		{"no reference path", state(`"Type":"Pass","ResultPath":"$.a[*]","End":true`), `SCHEMA_VALIDATION_FAILED: Value is not a valid JSONPath: "$.a[*]" is not a reference path: only names and indexes may follow the '$' at /States/A/ResultPath`},
		{"ResultPath of the context", state(`"Type":"Pass","ResultPath":"$$.a","End":true`), "SCHEMA_VALIDATION_FAILED: A ResultPath can not name the context object at /States/A/ResultPath"},
		{"a function", state(`"Type":"Pass","Parameters":{"a":[{"x.$":"States.Nope()"}]},"End":true`), `SCHEMA_VALIDATION_FAILED: The value for the field 'x.$' must be a valid JSONPath or a valid intrinsic function call: there is no function "States.Nope" at /States/A/Parameters`},
		{"a computed number", state(`"Type":"Pass","Parameters":{"x.$":5},"End":true`), "SCHEMA_VALIDATION_FAILED: The value for the field 'x.$' must be a STRING that contains a JSONPath or an intrinsic function call at /States/A/Parameters"},
		{"States.ALL with others", task(`,"Retry":[{"ErrorEquals":["States.ALL","E"]}]`), "SCHEMA_VALIDATION_FAILED: 'States.ALL' must appear alone at /States/A/Retry[0]/ErrorEquals"},
		{"States.ALL not last", task(`,"Retry":[{"ErrorEquals":["States.ALL"]},{"ErrorEquals":["E"]}]`), "SCHEMA_VALIDATION_FAILED: 'States.ALL' must appear in the last element at /States/A/Retry[0]/ErrorEquals"},
		{"a reserved name", task(`,"Retry":[{"ErrorEquals":["States.Oops"]}]`), "SCHEMA_VALIDATION_FAILED: The error name 'States.Oops' is none that Step Functions reports at /States/A/Retry[0]/ErrorEquals"},
		{"a broken interval", task(`,"Retry":[{"ErrorEquals":["E"],"IntervalSeconds":1.5}]`), "SCHEMA_VALIDATION_FAILED: Expected value of type Integer at /States/A/Retry[0]/IntervalSeconds"},
		{"a slow backoff", task(`,"Retry":[{"ErrorEquals":["E"],"BackoffRate":0.5}]`), "SCHEMA_VALIDATION_FAILED: Value must be a number of at least 1.0 at /States/A/Retry[0]/BackoffRate"},
		{"jitter", task(`,"Retry":[{"ErrorEquals":["E"],"JitterStrategy":"SOME"}]`), "SCHEMA_VALIDATION_FAILED: The field 'JitterStrategy' should have one of these values: [FULL, NONE] at /States/A/Retry[0]/JitterStrategy"},
		{"a heartbeat that is too slow", task(`,"TimeoutSeconds":5,"HeartbeatSeconds":5`), "SCHEMA_VALIDATION_FAILED: 'HeartbeatSeconds' must be smaller than 'TimeoutSeconds' at /States/A"},
		{"two timeouts", task(`,"TimeoutSeconds":5,"TimeoutSecondsPath":"$.t"`), "SCHEMA_VALIDATION_FAILED: 'TimeoutSeconds' and 'TimeoutSecondsPath' can not both be there at /States/A"},
		{"two waits", state(`"Type":"Wait","Seconds":1,"SecondsPath":"$.s","End":true`), "SCHEMA_VALIDATION_FAILED: Exactly one of [Seconds, Timestamp, SecondsPath, TimestampPath] is required at /States/A"},
		{"a timestamp", state(`"Type":"Wait","Timestamp":"2026-01-01 00:00:00Z","End":true`), "SCHEMA_VALIDATION_FAILED: String does not match RFC3339 timestamp at /States/A/Timestamp"},
		{"no choices", state(`"Type":"Choice","Choices":[]`), "SCHEMA_VALIDATION_FAILED: Value cannot be empty at /States/A/Choices"},
		{"an operator", state(`"Type":"Choice","Choices":[{"Variable":"$.a","StringLike":"x","Next":"A"}]`), "SCHEMA_VALIDATION_FAILED: A comparison operator is required at /States/A/Choices[0]"},
		{"two operators", state(`"Type":"Choice","Choices":[{"Variable":"$.a","StringEquals":"x","IsNull":true,"Next":"A"}]`), "SCHEMA_VALIDATION_FAILED: Only one comparison operator may be there, but there are StringEquals and IsNull at /States/A/Choices[0]"},
		{"an operand", state(`"Type":"Choice","Choices":[{"Variable":"$.a","NumericEquals":"1","Next":"A"}]`), "SCHEMA_VALIDATION_FAILED: Expected value of type Numeric at /States/A/Choices[0]/NumericEquals"},
		{"Next in a nested rule", state(`"Type":"Choice","Choices":[{"Not":{"Variable":"$.a","IsNull":true,"Next":"A"},"Next":"A"}]`), "SCHEMA_VALIDATION_FAILED: Field 'Next' is not supported at /States/A/Choices[0]/Not"},
		{"no branches", state(`"Type":"Parallel","Branches":[],"End":true`), "SCHEMA_VALIDATION_FAILED: Value cannot be empty at /States/A/Branches"},
		{"in a branch", state(`"Type":"Parallel","Branches":[{"StartAt":"B","States":{"B":{"Type":"Pass","X":1,"End":true}}}],"End":true`), "SCHEMA_VALIDATION_FAILED: Field 'X' is not supported at /States/A/Branches[0]/States/B"},
		{"a name twice", state(`"Type":"Parallel","Branches":[{"StartAt":"A","States":{"A":{"Type":"Succeed"}}}],"End":true`), "DUPLICATE_STATE_NAME: Duplicate State name: A at /States/A/Branches[0]/States/A"},
		{"a distributed Map", state(`"Type":"Map","ItemProcessor":{"ProcessorConfig":{"Mode":"DISTRIBUTED","ExecutionType":"STANDARD"},"StartAt":"B","States":{"B":{"Type":"Succeed"}}},"End":true`), "SCHEMA_VALIDATION_FAILED: The mode 'DISTRIBUTED' is not supported: it must be INLINE at /States/A/ItemProcessor/ProcessorConfig/Mode"},
		{"a Map's reader", state(`"Type":"Map","ItemReader":{},"ItemProcessor":{"StartAt":"B","States":{"B":{"Type":"Succeed"}}},"End":true`), "SCHEMA_VALIDATION_FAILED: Field 'ItemReader' is not supported at /States/A"},
		{"a Fail's function", state(`"Type":"Fail","ErrorPath":"States.Array()"`), "SCHEMA_VALIDATION_FAILED: The function States.Array can not be used here at /States/A/ErrorPath"},
		{"a Fail's Next", state(`"Type":"Fail","Next":"A"`), "SCHEMA_VALIDATION_FAILED: Field 'Next' is not supported at /States/A"},
	} {
		m, found := asl.Parse([]byte(tc.definition), false)
		if m != nil || len(found) == 0 {
			t.Errorf("%s: it was accepted", tc.name)
			continue
		}
		if got := fmt.Sprint(found[0]); !strings.HasPrefix(got, tc.want) {
			t.Errorf("%s: got\n %s, want\n %s", tc.name, got, tc.want)
		}
	}
}

func TestExpressRefused(t *testing.T) {
	for resource, want := range map[string]string{
		"arn:aws:states:::lambda:invoke.waitForTaskToken":  "Express state machine does not support '.waitForTaskToken' service integration ",
		"arn:aws:states:::states:startExecution.sync":      "Express state machine does not support '.sync' service integration",
		"arn:aws:states:us-east-1:000000000000:activity:a": "Express state machine does not support Activity ARN",
	} {
		_, found := asl.Parse([]byte(`{"StartAt":"A","States":{"A":{"Type":"Task","Resource":"`+resource+`","Parameters":{"FunctionName":"f"},"End":true}}}`), true)
		want := []asl.Diagnostic{{Code: asl.CodeSchema, Message: want, Location: "/States/A/Resource"}}
		if len(found) > 0 {
			found = found[:1]
		}
		if d := cmp.Diff(want, found); d != "" {
			t.Errorf("%s: %s", resource, d)
		}
	}
}

// A path that multiplies what it selects ends before the memory does.
func TestPathIsBounded(t *testing.T) {
	deep := strings.Repeat("[", 100) + strings.Repeat("]", 100)
	p, err := asl.ParsePath("$..*..*..*..*..*..*")
	if err != nil {
		t.Fatal(err)
	}
	if _, err := p.Get(decode(t, "["+strings.Repeat(deep+",", 20)+"1]"), nil); err == nil {
		t.Error("got a value, want an error")
	}
}
