package limit_test

import (
	"context"
	"fmt"
	"time"

	"github.com/waypost/waypost/shared/limit"
)

func ExampleKeeper_Admit() {
	keeper := limit.NewKeeper(new(limit.Memory))
	limits := []limit.Limit{
		{Kind: limit.Throttle, Calls: 4, Per: "1s"},
		{Kind: limit.Cap, Calls: 3, Per: "1h"},
	}
	now := time.Date(2026, 5, 4, 12, 0, 0, 0, time.UTC)
	for range 4 {
		d, err := keeper.Admit(context.Background(), "order_ready_sms", limits, now)
		switch {
		case err != nil:
			fmt.Println(err)
		case !d.Admitted:
			fmt.Println("refused:", d.Reason)
		default:
			fmt.Println("call after", d.At.Sub(now))
		}
	}
	// Output:
	// call after 0s
	// call after 250ms
	// call after 500ms
	// refused: the cap of 3 calls per 1h is used up
}
