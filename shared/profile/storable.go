package profile

import (
	"bytes"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"

	"github.com/waypost/waypost/shared/fault"
)

// What a DynamoDB item can hold
// (https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/Constraints.html).
const (
	maxDigits   = 38
	maxExponent = 125 // of the first digit
	minExponent = -130
	// maxLevels is one below DynamoDB's 32, of which the innermost value is
	// one: attributes may lie below an attribute of the user's own table.
	maxLevels = 31
)

// unstorable finds the numbers and the depths that no table can hold, in a
// profile's JSON as it was written: decoding would round the numbers.
func unstorable(data []byte) []fault.Detail {
	d := json.NewDecoder(bytes.NewReader(data))
	d.UseNumber()
	var attributes map[string]any
	if err := d.Decode(&attributes); err != nil {
		return nil // Parse has read it, and says what is wrong with it
	}
	return walk("", attributes, 0, nil)
}

func walk(path string, v any, level int, details []fault.Detail) []fault.Detail {
	if level > maxLevels {
		return append(details, fault.Detail{Path: path, Rule: "depth", Message: fmt.Sprintf("is nested more than %d levels deep, which the profile table can't hold", maxLevels)})
	}
	switch v := v.(type) {
	case map[string]any:
		for _, name := range slices.Sorted(maps.Keys(v)) {
			if name == "" {
				details = append(details, fault.Detail{Path: path, Rule: "name", Message: "has an attribute without a name, which the profile table can't hold"})
			}
			details = walk(strings.TrimPrefix(path+"."+name, "."), v[name], level+1, details)
		}
	case []any:
		for i, item := range v {
			details = walk(path+"."+strconv.Itoa(i), item, level+1, details)
		}
	case json.Number:
		if why := misfit(v.String()); why != "" {
			details = append(details, fault.Detail{Path: path, Rule: "range", Message: why})
		}
	}
	return details
}

// misfit says why the profile table can't hold a JSON number, or "".
func misfit(number string) string {
	mantissa, power, _ := strings.Cut(strings.ToLower(strings.TrimPrefix(number, "-")), "e")
	whole, fraction, _ := strings.Cut(mantissa, ".")
	digits := strings.TrimLeft(whole+fraction, "0")
	if digits == "" {
		return "" // 0, however it is written
	}
	first := len(digits) - len(fraction) - 1 // the exponent of the first digit
	if power != "" {
		n, err := strconv.Atoi(power)
		if err != nil {
			n = 1 << 30 // beyond any range; a float64 has rounded it to 0 if it was small
			if strings.HasPrefix(power, "-") {
				n = -n
			}
		}
		first += n
	}
	switch digits = strings.TrimRight(digits, "0"); {
	case len(digits) > maxDigits:
		return fmt.Sprintf("has %d significant digits, and a number may have %d; write longer ones as text", len(digits), maxDigits)
	case first > maxExponent:
		return "is a number beyond 9.99E+125, which the profile table can't hold"
	case first < minExponent:
		return "is a number below 1E-130, which the profile table can't hold"
	}
	return ""
}
