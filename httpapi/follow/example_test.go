package follow_test

import (
	"fmt"
	"log"
	"log/slog"

	"github.com/nsqio/go-nsq"

	"github.com/nsqmesh/nsqmesh/httpapi/follow"
)

// A consumer of everything that any node has for a topic.
func ExampleConsumer() {
	mesh := follow.Mesh{
		Lookups: follow.ExampleLookups(), // "10.0.0.1:4161", "10.0.0.2:4161"
		Log:     slog.New(slog.DiscardHandler),
	}
	consumer, err := follow.NewConsumer("orders", "billing", nsq.NewConfig())
	if err != nil {
		log.Fatal(err)
	}
	consumer.SetLoggerLevel(nsq.LogLevelError)
	handled := make(chan string)
	consumer.AddHandler(nsq.HandlerFunc(func(m *nsq.Message) error {
		handled <- string(m.Body)
		return nil
	}))
	if err := consumer.Follow(mesh); err != nil {
		log.Fatal(err)
	}
	fmt.Println(<-handled)

	consumer.Stop()
	<-consumer.StopChan
	// Output: an order
}

// A producer that does not care which nodes are up.
func ExampleProducer() {
	mesh := follow.Mesh{
		Lookups: follow.ExampleLookups(), // "10.0.0.1:4161", "10.0.0.2:4161"
		Zone:    "eu-1a", Region: "eu-1",
		Log: slog.New(slog.DiscardHandler),
	}
	producer, err := follow.NewProducer(nsq.NewConfig())
	if err != nil {
		log.Fatal(err)
	}
	if err := producer.Follow(mesh); err != nil {
		log.Fatal(err)
	}
	defer producer.Stop()

	if err := producer.Publish("orders", []byte("an order")); err != nil {
		log.Fatal(err) // no node took it
	}
	fmt.Println("published")
	// Output: published
}
