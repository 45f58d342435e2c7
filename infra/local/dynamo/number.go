package dynamo

import (
	"errors"
	"fmt"
	"math/big"
	"regexp"
	"strings"
)

// What DynamoDB says of numbers that it has no room for: 38 significant digits,
// and from 1E-130 to 9.9999999999999999999999999999999999999E+125 to either side of 0.
var (
	errOverflow  = errors.New("Number overflow. Attempting to store a number with magnitude larger than supported range")
	errUnderflow = errors.New("Number underflow. Attempting to store a number with magnitude smaller than supported range")
	errPrecision = errors.New("Attempting to store more than 38 significant digits in a Number")
)

var (
	numeral  = regexp.MustCompile(`^[+-]?(?:[0-9]+\.?[0-9]*|\.[0-9]+)(?:[eE]([+-]?)0*([0-9]+))?$`)
	ten      = big.NewInt(10)
	overflow = new(big.Int).Exp(ten, big.NewInt(126), nil)
	smallest = new(big.Rat).SetFrac(big.NewInt(1), new(big.Int).Exp(ten, big.NewInt(130), nil))
)

// maxNumber bounds a number's text: what is longer is no number that fits.
const maxNumber = 500

// numberOf reads a number's text, or says as DynamoDB does why it can't be stored.
func numberOf(text string) (*big.Rat, error) {
	m := numeral.FindStringSubmatch(text)
	if m == nil || len(text) > maxNumber {
		return nil, fmt.Errorf("The parameter cannot be converted to a numeric value: %.40s", text)
	}
	if len(m[2]) > 3 && strings.Trim(text[:strings.IndexAny(text, "eE")], "+-.0") != "" { // computing it would take too long
		if m[1] == "-" {
			return nil, errUnderflow
		}
		return nil, errOverflow
	} else if len(m[2]) > 3 {
		return new(big.Rat), nil
	}
	n, ok := new(big.Rat).SetString(text)
	if !ok {
		return nil, fmt.Errorf("The parameter cannot be converted to a numeric value: %.40s", text)
	}
	magnitude := new(big.Rat).Abs(n)
	switch {
	case n.Sign() == 0:
		return n, nil
	case digits(text) > 38:
		return nil, errPrecision
	case magnitude.Cmp(new(big.Rat).SetInt(overflow)) >= 0:
		return nil, errOverflow
	case magnitude.Cmp(smallest) < 0:
		return nil, errUnderflow
	}
	return n, nil
}

// digits counts the significant digits of a number's text.
func digits(text string) int {
	if i := strings.IndexAny(text, "eE"); i >= 0 {
		text = text[:i]
	}
	return len(strings.Trim(strings.ReplaceAll(strings.Trim(text, "+-"), ".", ""), "0"))
}
