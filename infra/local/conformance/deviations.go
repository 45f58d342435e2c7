package main

import (
	"slices"
	"strings"
)

// A deviation is a difference between moto and AWS: which differences it
// explains, and why our side is the right one.
type deviation struct {
	covers func(c testCase, what string, moto, ours *result) bool
	reason string
}

// deviations lists them all. Their reasons rest on recordings of what AWS
// answered, on its documentation, or on the States Language's specification.
func deviations() []deviation {
	return []deviation{
		{causeOf("States.Runtime"),
			"the cause of a States.Runtime: moto words it in its own way, and counts another event as the state's entry; ours is as AWS was recorded"},
		{named("choice/no rule holds", "data/ResultPath into a string", "intrinsic/States.Format('{} {}'",
			"intrinsic/States.StringToJson($.x): 5", "intrinsic/States.ArrayPartition($.x, 0)", "intrinsic/States.ArrayGetItem($.x, 1): 1",
			"intrinsic/States.ArrayLength($.x): 2", "intrinsic/States.ArrayRange(0, -4, -2)", "intrinsic/States.MathAdd($.x, $.y): 3"),
			"moto reports errors of its own Python as States.Runtime; AWS has names for them: States.NoChoiceMatched, " +
				"States.ResultPathMatchFailure, States.IntrinsicFailure"},
		{named("choice/TimestampEquals with an offset", "wait/TimestampPath: 3"),
			"moto knows timestamps with Z and without fractions alone; the States Language takes RFC 3339's offsets and fractions"},
		{named("choice/a variable that is not there", "choice/IsNull of what is not there"),
			"moto takes a comparison of what is not there for false; on AWS only IsPresent may test that, and all others fail the state"},
		{named("choice/StringMatches a\\*c"),
			"moto does not know the escape \\* in StringMatches, which the States Language defines"},
		{named("choice/an index in the path", "data/path $.list[0].n", "data/path $.a.b[2].c"),
			"moto gives a list where a path goes on after an index; such a path is definite, and selects one value"},
		{named("data/path $.list[?"),
			"moto's JSONPath library does not parse every filter in parentheses, and moto fails where a filter selects nothing; AWS gives a list"},
		{named("data/Task: ResultSelector that finds nothing"),
			"moto adds a TaskFailed after the TaskSucceeded where what follows the Task fails; AWS was recorded without"},
		{named("data/Task: no Payload"),
			"moto invokes with an empty body where there is no Payload; Lambda makes {} of that"},
		{named("retry/TimeoutSecondsPath: not there"),
			"moto records ExecutionFailed twice where a timeout's path selects nothing"},
		{named("token/failure"),
			"moto forgets SendTaskFailure's cause, and gives a Task the same token for each attempt, so that the first callback answers them all"},
		{dataLimit,
			"moto lets States.ALL catch and retry States.DataLimitExceeded; AWS's documentation excludes it"},
		{named("execution/stopped"),
			"moto forgets the error and the cause that StopExecution was given"},
		{named("intrinsic/States.Format('\\{\\}"),
			"moto does not know the escapes \\{ and \\} in States.Format, which the States Language defines"},
		{named("intrinsic/States.Format('quote"),
			"moto takes more values than there are {} in States.Format; the States Language demands as many"},
		{named("intrinsic/States.Array($.x"),
			"moto drops a null from a function's arguments"},
		{named("intrinsic/States.ArrayLength(States.ArrayUnique"),
			"moto's States.ArrayUnique fails where an element is an object; AWS was recorded to take it"},
		{named("intrinsic/States.Base64Encode($.x)"),
			"moto's base64 functions take ASCII alone"},
		{named("map/items in turn: not an array", "map/ItemsPath and ResultPath: missing"),
			"moto reports a bad ItemsPath as JSONata's error, or as a failure of the Map's iterations, with these events; with JSONPath it is a States.Runtime"},
		{abortedStates,
			"moto does not record the states that a failure in another branch or iteration ends (…StateAborted, MapIterationAborted), nor the Task that failed in one; AWS does"},
		{lateAnswers,
			"moto records the late answer of an attempt that had timed out"},
	}
}

// named covers all differences of cases whose names begin so.
func named(prefixes ...string) func(testCase, string, *result, *result) bool {
	return func(c testCase, _ string, _, _ *result) bool {
		return slices.ContainsFunc(prefixes, func(p string) bool { return strings.HasPrefix(c.name, p) })
	}
}

// causeOf covers the cause, where both sides report the same error.
func causeOf(name string) func(testCase, string, *result, *result) bool {
	return func(_ testCase, what string, moto, ours *result) bool {
		return what == "cause" && moto.error == name && ours.error == name
	}
}

// dataLimit covers runs in which an answer was too large, and only States.ALL
// stands for that.
func dataLimit(c testCase, what string, moto, ours *result) bool {
	return strings.HasSuffix(c.name, "States.DataLimitExceeded is not in States.ALL: too large")
}

// abortedStates covers histories that agree but for events of aborted states.
func abortedStates(c testCase, what string, moto, ours *result) bool {
	return what == "events" && !slices.ContainsFunc(moto.events, isAborted) &&
		slices.Equal(ordered(c, moto.events), ordered(c, slices.DeleteFunc(slices.Clone(ours.events), isAborted)))
}

func isAborted(event string) bool {
	return strings.HasSuffix(event, "StateAborted") || event == "MapIterationAborted"
}

// lateAnswers covers histories in which moto has all of our events, and
// besides them nothing but the success of an attempt that had timed out.
func lateAnswers(_ testCase, what string, moto, ours *result) bool {
	if what != "events" || !slices.ContainsFunc(ours.events, func(e string) bool { return strings.HasSuffix(e, "TimedOut") }) {
		return false
	}
	rest := ours.events
	for _, e := range moto.events {
		switch {
		case len(rest) > 0 && e == rest[0]:
			rest = rest[1:]
		case e != "TaskSucceeded" && e != "LambdaFunctionSucceeded":
			return false
		}
	}
	return len(rest) == 0
}
