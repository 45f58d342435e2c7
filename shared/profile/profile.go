// Package profile says what a profile's attributes may be, and checks them
// against the profile schema. Where they are stored is an adapter's business.
package profile

import (
	"fmt"
	"strings"

	"github.com/waypost/waypost/shared/fault"
	"github.com/waypost/waypost/shared/schema"
)

// MaxSize is the most bytes that a profile's JSON may have: DynamoDB's items
// end at 400 KB, and a profile that is read at every step should be far smaller.
const MaxSize = 128 << 10

// MaxID is the most bytes that a profile's id may have.
const MaxID = 512

// CheckID says what is wrong with a profile's id, or nil.
func CheckID(id string) error {
	if id == "" || len(id) > MaxID || strings.TrimSpace(id) != id {
		return fault.New(fault.Invalid, "a profile's id must have 1 to %d bytes, without spaces around it", MaxID)
	}
	return nil
}

// Parse reads a profile's attributes, and checks them against what a table can
// hold and against the schema, which may be nil. key is the attribute that the table keeps the id in.
func Parse(data []byte, rules *schema.Schema, key string) (map[string]any, error) {
	if len(data) > MaxSize {
		return nil, fault.New(fault.TooLarge, "the profile has %d bytes, over the limit of %d", len(data), MaxSize)
	}
	doc, err := schema.Decode(data)
	if err != nil {
		return nil, err
	}
	attributes, ok := doc.(map[string]any)
	if !ok {
		return nil, fault.New(fault.Invalid, "a profile must be a JSON object of attributes")
	}
	var details []fault.Detail
	if _, taken := attributes[key]; taken {
		details = append(details, fault.Detail{Path: key, Message: fmt.Sprintf("%s holds the profile's id, which the path gives; leave it out", key)})
	}
	details = append(details, unstorable(data)...)
	if rules != nil {
		details = append(details, rules.Validate(attributes)...)
	}
	return attributes, fault.Document("the profile is not valid", details)
}
