// Command action is the least that a function with an action's AWS clients
// could be: the baseline of the cold start of webhook and sms.
package main

import (
	"context"
	"os"

	"github.com/aws/aws-lambda-go/lambda"
	"github.com/aws/aws-sdk-go-v2/config"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/secretsmanager"
	"github.com/aws/aws-sdk-go-v2/service/sfn"
	"github.com/aws/aws-sdk-go-v2/service/sqs"
)

func main() {
	cfg, err := config.LoadDefaultConfig(context.Background())
	if err != nil {
		os.Exit(1)
	}
	db, secrets, queue, machines := dynamodb.NewFromConfig(cfg), secretsmanager.NewFromConfig(cfg), sqs.NewFromConfig(cfg), sfn.NewFromConfig(cfg)
	lambda.Start(func(ctx context.Context) error { // it is never invoked
		if _, err := db.GetItem(ctx, &dynamodb.GetItemInput{}); err != nil {
			return err
		}
		if _, err := secrets.GetSecretValue(ctx, &secretsmanager.GetSecretValueInput{}); err != nil {
			return err
		}
		if _, err := machines.SendTaskSuccess(ctx, &sfn.SendTaskSuccessInput{}); err != nil {
			return err
		}
		_, err := queue.SendMessage(ctx, &sqs.SendMessageInput{})
		return err
	})
}
