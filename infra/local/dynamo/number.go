package dynamo

import (
	"errors"
	"fmt"
	"regexp"
	"strconv"
	"strings"
)

// DynamoDB's numbers have up to 38 significant digits, and amounts from 1e-130
// to below 1e126.
const (
	maxDigits   = 38
	minExponent = -130
	maxExponent = 125
)

var decimal = regexp.MustCompile(`^([+-]?)([0-9]*)\.?([0-9]*)(?:[eE]([+-]?)0*([0-9]+))?$`)

// canonical writes a number as DynamoDB gives it back: without an exponent, a
// plus, or zeros that say nothing.
func canonical(s string) (string, error) {
	m := decimal.FindStringSubmatch(s)
	if m == nil || m[2]+m[3] == "" {
		return "", fmt.Errorf("the parameter %.40q cannot be converted to a numeric value", s)
	}
	if len(m[5]) > 6 { // far beyond both bounds, or 0
		m[5] = m[5][:6]
	}
	exponent, _ := strconv.Atoi(m[4] + m[5]) // "" is 0, and else it has digits
	point := len(m[2]) + exponent
	digits := strings.TrimLeft(m[2]+m[3], "0")
	point -= len(m[2]+m[3]) - len(digits)
	digits = strings.TrimRight(digits, "0")
	switch {
	case digits == "":
		return "0", nil
	case len(digits) > maxDigits:
		return "", errors.New("Attempting to store more than 38 significant digits in a Number")
	case point-1 > maxExponent:
		return "", errors.New("Number overflow. Attempting to store a number with magnitude larger than supported range")
	case point-1 < minExponent:
		return "", errors.New("Number underflow. Attempting to store a number with magnitude smaller than supported range")
	case point <= 0:
		digits = "0." + strings.Repeat("0", -point) + digits
	case point < len(digits):
		digits = digits[:point] + "." + digits[point:]
	default:
		digits += strings.Repeat("0", point-len(digits))
	}
	return strings.TrimPrefix(m[1], "+") + digits, nil
}
