package mapping

import (
	"time"
	_ "time/tzdata" // the runtime that functions get on AWS need not have zones
)

// timeFunctions are the functions of times and durations. A name that starts
// with a dot is called on a value, as in now().Year().
var timeFunctions = [...]function{
	{name: "now", gives: givesTime}, // compiled apart: it reads the Env
	{name: "date", params: []kinds{isString, isString, isString}, few: 1, gives: givesTime, run: func(f *frame, a []any) (any, error) {
		zone, err := location(f, optional(a, 2, "UTC"))
		if err != nil {
			return nil, err
		}
		layouts := []string{
			time.DateOnly, time.TimeOnly, time.DateTime, time.RFC3339, time.RFC822, time.RFC850, time.RFC1123,
		}
		if len(a) > 1 {
			layouts = []string{a[1].(string)}
		}
		for _, layout := range layouts {
			if t, err := time.ParseInLocation(layout, a[0].(string), zone); err == nil {
				return t, nil
			}
		}
		return nil, broken("date needs a string that holds a date, such as 2026-01-31 or 2026-01-31T09:30:00Z, or a layout that fits it")
	}},
	{name: "duration", params: []kinds{isString}, gives: givesDuration, run: func(_ *frame, a []any) (any, error) {
		d, err := time.ParseDuration(a[0].(string))
		if err != nil {
			return nil, broken("duration needs a string such as 1h30m or 45s")
		}
		return d, nil
	}},
	{name: ".Year", params: []kinds{isTime}, gives: givesInteger, run: field(func(t time.Time) int64 { return int64(t.Year()) })},
	{name: ".Month", params: []kinds{isTime}, gives: givesInteger, run: field(func(t time.Time) int64 { return int64(t.Month()) })},
	{name: ".Day", params: []kinds{isTime}, gives: givesInteger, run: field(func(t time.Time) int64 { return int64(t.Day()) })},
	{name: ".Hour", params: []kinds{isTime}, gives: givesInteger, run: field(func(t time.Time) int64 { return int64(t.Hour()) })},
	{name: ".Minute", params: []kinds{isTime}, gives: givesInteger, run: field(func(t time.Time) int64 { return int64(t.Minute()) })},
	{name: ".Second", params: []kinds{isTime}, gives: givesInteger, run: field(func(t time.Time) int64 { return int64(t.Second()) })},
	{name: ".Unix", params: []kinds{isTime}, gives: givesInteger, run: field(time.Time.Unix)},
	{name: ".Weekday", params: []kinds{isTime}, gives: givesString, run: func(_ *frame, a []any) (any, error) {
		return a[0].(time.Time).Weekday().String(), nil
	}},
	{name: ".Format", params: []kinds{isTime, isString}, gives: givesString, run: func(f *frame, a []any) (any, error) {
		s := a[0].(time.Time).Format(a[1].(string))
		return s, f.spend(8 * len(s))
	}},
	{name: ".In", params: []kinds{isTime, isString}, gives: givesTime, run: func(f *frame, a []any) (any, error) {
		zone, err := location(f, a[1].(string))
		if err != nil {
			return nil, err
		}
		return a[0].(time.Time).In(zone), nil
	}},
	{name: ".Hours", params: []kinds{isDuration}, gives: givesNumber, run: span64(time.Duration.Hours)},
	{name: ".Minutes", params: []kinds{isDuration}, gives: givesNumber, run: span64(time.Duration.Minutes)},
	{name: ".Seconds", params: []kinds{isDuration}, gives: givesNumber, run: span64(time.Duration.Seconds)},
}

// field makes a method of a part of a time.
func field(of func(time.Time) int64) func(*frame, []any) (any, error) {
	return func(_ *frame, a []any) (any, error) { return of(a[0].(time.Time)), nil }
}

// span64 makes a method of a measure of a duration.
func span64(of func(time.Duration) float64) func(*frame, []any) (any, error) {
	return func(_ *frame, a []any) (any, error) { return of(a[0].(time.Duration)), nil }
}

// location reads a zone of the IANA database. Local is none: it would differ
// from machine to machine.
func location(f *frame, name string) (*time.Location, error) {
	if name != "UTC" { // any other is read anew each time
		if err := f.spend(1000); err != nil {
			return nil, err
		}
	}
	zone, err := time.LoadLocation(name)
	if err != nil || name == "Local" {
		return nil, broken("a zone's name is as in Europe/Zurich")
	}
	return zone, nil
}
