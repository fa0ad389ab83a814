Feature: Objects
  What is put under a key is what is got, byte by byte.

  Background:
    Given a bucket "orders"

  Scenario: An object comes back with what was said about it
    When I put "greeting" into the bucket "orders" saying "hello" with
      | ContentType  | text/plain |
      | CacheControl | no-store   |
    And I get "greeting" from the bucket "orders"
    Then I get the text "hello"
    And the answer's ContentType is "text/plain"
    And the answer's CacheControl is "no-store"
    And the answer's ETag is "'5d41402abc4b2a76b9719d911017c592'"

  Scenario Outline: A key may be any text
    When I put "<key>" into the bucket "orders" saying "hello"
    And I get "<key>" from the bucket "orders"
    Then I get the text "hello"
    And the bucket "orders" holds "<key>"

    Examples:
      | key           |
      | a//b          |
      | a/../b        |
      | a b+c&d=e?f#g |
      | naïve/日本    |
      | %2F%25        |

  Scenario: A part of an object
    Given "digits" was put into the bucket "orders" saying "0123456789"
    When I get the bytes "2-4" of "digits" from the bucket "orders"
    Then I get the text "234"
    And the HTTP status is 206
    And the answer's ContentRange is "bytes 2-4/10"
    When I get the bytes "-3" of "digits" from the bucket "orders"
    Then I get the text "789"
    When I get the bytes "10-" of "digits" from the bucket "orders"
    Then the call fails with "InvalidRange"

  Scenario: Only what has changed is sent again
    Given "greeting" was put into the bucket "orders" saying "hello"
    When I get "greeting" from the bucket "orders" with
      | IfNoneMatch | "5d41402abc4b2a76b9719d911017c592" |
    Then the call fails with "304"
    When I get "greeting" from the bucket "orders" with
      | IfMatch | "another" |
    Then the call fails with "PreconditionFailed"

  Scenario: The first to write a key wins
    When I put "lock" into the bucket "orders" saying "mine" with
      | IfNoneMatch | * |
    And I put "lock" into the bucket "orders" saying "yours" with
      | IfNoneMatch | * |
    Then the call fails with "PreconditionFailed"
    When I get "lock" from the bucket "orders"
    Then I get the text "mine"

  Scenario: What comes damaged is not kept
    When I put "greeting" into the bucket "orders" saying "hello" with
      | ContentMD5 | AAAAAAAAAAAAAAAAAAAAAA== |
    Then the call fails with "BadDigest"
    And the bucket "orders" holds nothing

  Scenario: A copy keeps what is said about an object, unless it is told anew
    Given "greeting" was put into the bucket "orders" saying "hello"
    When I copy "greeting" to "farewell" in the bucket "orders"
    And I delete "greeting" from the bucket "orders"
    And I get "farewell" from the bucket "orders"
    Then I get the text "hello"
    When I copy "farewell" to "farewell" in the bucket "orders"
    Then the call fails with "InvalidRequest"

  Scenario: Large objects come through whole
    Given "large" of 3000000 bytes was put into the bucket "orders"
    When I get the bytes "2999990-" of "large" from the bucket "orders"
    Then I get the text "xxxxxxxxxx"

  Scenario: What is not for a resource of an object leaves the object alone
    Given "greeting" was put into the bucket "orders" saying "hello"
    When a browser sends "DELETE /orders/greeting?retention"
    Then the browser gets 405 with "RETENTION"
    When a browser sends "PUT /orders/greeting?attributes"
    Then the browser gets 405 with "ATTRIBUTES"
    And "greeting" in the bucket "orders" says "hello"
