package mapping_test

import (
	"fmt"

	"github.com/waypost/waypost/shared/mapping"
	"github.com/waypost/waypost/shared/schema"
)

// A template is parsed once, checked when its journey is published, and run
// for each delivery.
func Example() {
	template, err := mapping.Parse("Hi {{ profile.firstName ?? 'there' }}, order {{ event.orderId }} is ready.")
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(template.References().Profile.List)

	name := schema.String()
	name.Optional = true
	typ, err := template.Check(mapping.Scope{
		Event:   schema.Object(map[string]schema.Type{"orderId": schema.String()}),
		Profile: schema.Object(map[string]schema.Type{"firstName": name}),
	})
	fmt.Println(typ, err)

	text, err := template.Eval(mapping.Env{Event: map[string]any{"orderId": "A-7"}})
	fmt.Println(text, err)
	// Output:
	// [[firstName]]
	// a string <nil>
	// Hi there, order A-7 is ready. <nil>
}

// What does not fit the types is refused with its place and the nearest name.
func ExampleExpression_Check() {
	x, err := mapping.ParseExpression("profile.fristName == 'Ann'")
	if err != nil {
		fmt.Println(err)
		return
	}
	_, err = x.Check(mapping.Scope{Profile: schema.Object(map[string]schema.Type{"firstName": schema.String()})})
	fmt.Println(err)
	// Output:
	// the expression does not fit what it reads: profile.fristName: the profile schema has no fristName; did you mean firstName?
}
