package bundle

import (
	"fmt"
	"slices"
	"strings"
)

// Check holds what became of a bundle's events against what it expects. Its
// error lists every difference. An expectation without a status takes any. A
// bundle that expects nothing is content only if every delivery was sent or
// suppressed.
func (b *Bundle) Check(found []Expectation) error {
	var wrong []string
	if b.Expect == nil {
		for _, f := range found {
			if f.Outcome != "sent" && f.Outcome != "suppressed" {
				wrong = append(wrong, fmt.Sprintf("%s %s ended %s", f.Profile, f.Step, f.Outcome))
			}
		}
		return asExpected(wrong)
	}
	missing, left := unmet(b.Expect, found)
	for _, e := range missing {
		wrong = append(wrong, fmt.Sprintf("%s %s did not end %s", e.Profile, e.Step, e.end()))
	}
	for _, f := range left {
		wrong = append(wrong, fmt.Sprintf("%s %s ended %s, which was not expected", f.Profile, f.Step, f.end()))
	}
	return asExpected(wrong)
}

// unmet gives the expectations that nothing met, and what met none. Those that
// say a status choose first: the others take any.
func unmet(expected, found []Expectation) (missing, left []Expectation) {
	left = slices.Clone(found)
	for _, choosy := range []bool{true, false} {
		for _, e := range expected {
			if (e.Status != "") != choosy {
				continue
			}
			i := slices.IndexFunc(left, func(f Expectation) bool {
				if !choosy {
					f.Status = ""
				}
				return f == e
			})
			if i < 0 {
				missing = append(missing, e)
			} else {
				left = slices.Delete(left, i, i+1)
			}
		}
	}
	return missing, left
}

func asExpected(wrong []string) error {
	if len(wrong) == 0 {
		return nil
	}
	return fmt.Errorf("the bundle's events did not end as it says:\n  %s", strings.Join(wrong, "\n  "))
}
