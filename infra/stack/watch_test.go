package main

import (
	"strings"
	"testing"
)

// Every alarm's action is a topic that CloudWatch may publish to, for the
// alarms of this account alone.
func TestAlarmsReachTheirTopic(t *testing.T) {
	tpl := synth(t, dev())
	heard := map[string]bool{} // topics, by their logical ids
	for _, p := range tpl.of("AWS::SNS::TopicPolicy") {
		for _, st := range asList(dig(p, "PolicyDocument", "Statement")) {
			if dig(st, "Effect") != "Allow" || dig(st, "Principal", "Service") != "cloudwatch.amazonaws.com" || dig(st, "Action") != "sns:Publish" ||
				dig(st, "Condition", "StringEquals", "aws:SourceAccount", "Ref") != "AWS::AccountId" ||
				!strings.Contains(toJSON(dig(st, "Condition", "ArnLike", "aws:SourceArn")), ":alarm:*") {
				continue
			}
			for _, topic := range asList(p["Topics"]) {
				if id, _ := dig(topic, "Ref").(string); dig(st, "Resource", "Ref") == id {
					heard[id] = true
				}
			}
		}
	}
	alarms := tpl.of("AWS::CloudWatch::Alarm")
	if len(alarms) == 0 {
		t.Error("there are no alarms")
	}
	for id, a := range alarms {
		actions := asList(a["AlarmActions"])
		if len(actions) == 0 {
			t.Errorf("%s has no action", id)
		}
		for _, action := range actions {
			if topic, _ := dig(action, "Ref").(string); !heard[topic] {
				t.Errorf("%s publishes to %v, whose policy does not allow CloudWatch", id, action)
			}
		}
	}
}

// Every function but a channel, whose errors are flow control, has an alarm for
// Lambda's count of its errors.
func TestFunctionErrorsAlarm(t *testing.T) {
	tpl := synth(t, dev())
	alarmed := map[string]bool{}
	for _, a := range tpl.of("AWS::CloudWatch::Alarm") {
		if a["Namespace"] == "AWS/Lambda" && a["MetricName"] == "Errors" {
			alarmed[toJSON(a["Dimensions"])] = true
		}
	}
	for _, f := range functions() {
		found := false
		for d := range alarmed {
			found = found || strings.Contains(d, title(f.name)+"Function")
		}
		if want := f.kind != channel; found != want {
			t.Errorf("%s: its errors alarm: %v, want %v", f.name, found, want)
		}
	}
}
