Feature: Notifications
  A bucket tells queues of what happens to its objects.

  Background:
    Given a bucket "photos"
    And a queue "news" that lets S3 in

  Scenario: A queue that is configured is sent a test event
    When the bucket "photos" shall tell the queue "news" of "s3:ObjectCreated:*"
    Then the queue "news" gets the test event

  Scenario: What is created and removed is told
    Given the bucket "photos" tells the queue "news" of "s3:ObjectCreated:*", "s3:ObjectRemoved:*"
    And the test event has been taken from the queue "news"
    When I put "a" into the bucket "photos"
    And I copy "a" to "b" in the bucket "photos"
    And I delete "a" from the bucket "photos"
    Then the queue "news" gets
      | ObjectCreated:Put    | a |
      | ObjectCreated:Copy   | b |
      | ObjectRemoved:Delete | a |
    And each record's sequencer is greater than the one before

  Scenario: A record has the form that AWS gives it
    Given the bucket "photos" tells the queue "news" of "s3:ObjectCreated:Put"
    And the test event has been taken from the queue "news"
    When I put "summer days/ü@1.jpg" into the bucket "photos"
    Then the queue "news" gets
      | ObjectCreated:Put | summer+days/%C3%BC%401.jpg |
    And the record is
      """
      {
        "eventVersion": "2.1",
        "eventSource": "aws:s3",
        "awsRegion": "us-east-1",
        "eventTime": "2026-01-01T00:00:00.000Z",
        "eventName": "ObjectCreated:Put",
        "userIdentity": {"principalId": "*"},
        "requestParameters": {"sourceIPAddress": "127.0.0.1"},
        "responseElements": {"x-amz-request-id": "*", "x-amz-id-2": "*"},
        "s3": {
          "s3SchemaVersion": "1.0",
          "configurationId": "rule",
          "bucket": {
            "name": "photos",
            "ownerIdentity": {"principalId": "*"},
            "arn": "arn:aws:s3:::photos"
          },
          "object": {
            "key": "summer+days/%C3%BC%401.jpg",
            "size": 5,
            "eTag": "5d41402abc4b2a76b9719d911017c592",
            "sequencer": "*"
          }
        }
      }
      """

  Scenario: Filters choose by the ends of keys
    Given the bucket "photos" tells the queue "news" of "s3:ObjectCreated:*" where keys begin with "in/" and end with ".jpg"
    And the test event has been taken from the queue "news"
    When I put "in/1.jpg" into the bucket "photos"
    And I put "in/1.txt" into the bucket "photos"
    And I put "out/1.jpg" into the bucket "photos"
    Then the queue "news" gets
      | ObjectCreated:Put | in/1.jpg |

  Scenario: Changes of tags are told
    Given the bucket "photos" tells the queue "news" of "s3:ObjectTagging:*"
    And the test event has been taken from the queue "news"
    When I put "a" into the bucket "photos"
    And I tag "a" in the bucket "photos" with "colour=red"
    Then the queue "news" gets
      | ObjectTagging:Put | a |

  Scenario: A delete marker is no deletion
    Given a bucket "archive" with versions
    And the bucket "archive" tells the queue "news" of "s3:ObjectRemoved:*"
    And the test event has been taken from the queue "news"
    When I put "a" into the bucket "archive"
    And I delete "a" from the bucket "archive"
    Then the queue "news" gets
      | ObjectRemoved:DeleteMarkerCreated | a |

  Scenario: A restored copy comes and goes
    Given the bucket "photos" tells the queue "news" of "s3:ObjectRestore:*"
    And the test event has been taken from the queue "news"
    When I put "cold" into the bucket "photos" saying "hello" with
      | StorageClass | GLACIER |
    And I restore "cold" in the bucket "photos" for 1 day
    Then the queue "news" gets
      | ObjectRestore:Post | cold |
    When 5 hours pass
    Then the queue "news" gets
      | ObjectRestore:Completed | cold |
    And the record tells when the copy of class "GLACIER" will be gone
    When 2 days pass
    Then the queue "news" gets
      | ObjectRestore:Delete | cold |

  Scenario: A copy that is kept for longer goes once
    Given the bucket "photos" tells the queue "news" of "s3:ObjectRestore:Delete"
    And the test event has been taken from the queue "news"
    When I put "cold" into the bucket "photos" saying "hello" with
      | StorageClass | GLACIER |
    And I restore "cold" in the bucket "photos" for 1 day
    And 5 hours pass
    And I restore "cold" in the bucket "photos" for 3 days
    And 2 days pass
    Then the queue "news" gets nothing
    When 2 days pass
    Then the queue "news" gets
      | ObjectRestore:Delete | cold |

  Scenario: A queue must let S3 in
    Given a queue "closed"
    When the bucket "photos" shall tell the queue "closed" of "s3:ObjectCreated:*"
    Then the call fails with "InvalidArgument", saying
      """
      Unable to validate the following destination configurations
      """

  Scenario: A queue must be there
    When the bucket "photos" shall tell the queue "nowhere" of "s3:ObjectCreated:*"
    Then the call fails with "InvalidArgument"

  Scenario: Only events that there are can be asked for
    When the bucket "photos" shall tell the queue "news" of "s3:ObjectAdmired:*"
    Then the call fails with "InvalidArgument"
