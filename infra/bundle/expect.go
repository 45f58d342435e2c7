package bundle

import (
	"fmt"
	"strings"
)

// Check holds what became of a bundle's events against what it expects. Its
// error lists every difference. A bundle that expects nothing is content only
// if every delivery was sent or suppressed.
func (b *Bundle) Check(found []Expectation) error {
	var wrong []string
	left := map[Expectation]int{}
	for _, f := range found {
		left[f]++
	}
	if b.Expect == nil {
		for _, f := range found {
			if f.Outcome != "sent" && f.Outcome != "suppressed" {
				wrong = append(wrong, fmt.Sprintf("%s %s ended %s", f.Profile, f.Step, f.Outcome))
			}
		}
		return asExpected(wrong)
	}
	for _, e := range b.Expect {
		if left[e] == 0 {
			wrong = append(wrong, fmt.Sprintf("%s %s did not end %s", e.Profile, e.Step, e.Outcome))
			continue
		}
		left[e]--
	}
	for _, f := range found {
		if left[f] > 0 {
			left[f]--
			wrong = append(wrong, fmt.Sprintf("%s %s ended %s, which was not expected", f.Profile, f.Step, f.Outcome))
		}
	}
	return asExpected(wrong)
}

func asExpected(wrong []string) error {
	if len(wrong) == 0 {
		return nil
	}
	return fmt.Errorf("the bundle's events did not end as it says:\n  %s", strings.Join(wrong, "\n  "))
}
