package egress_test

import (
	"fmt"

	"github.com/waypost/waypost/shared/egress"
)

func ExampleGuard_Check() {
	policy, err := egress.ParsePolicy("https://intranet.example:8443", "")
	if err != nil {
		fmt.Println(err)
		return
	}
	guard := egress.NewGuard(policy)
	fmt.Println(guard.Check("https://api.example.com/v2"))
	fmt.Println(guard.Check("https://intranet.example:8443/v2"))
	fmt.Println(guard.Check("https://169.254.169.254/latest/meta-data"))
	// Output:
	// <nil>
	// <nil>
	// 169.254.169.254 is an address; write the host's name (or let the operator allow https://169.254.169.254)
}
