Feature: What requests must say of themselves
  SDKs say all of this by themselves. Who writes requests by hand is refused where AWS refuses.

  Background:
    Given a bucket "photos"
    And "cat.jpg" was put into the bucket "photos"

  Scenario: Deleting many objects must prove its list
    When a program sends POST "/photos?delete" saying "<Delete><Object><Key>cat.jpg</Key></Object></Delete>"
    Then the browser is answered 400, saying "Missing required header for this request: Content-MD5 OR x-amz-checksum-*"
    And the bucket "photos" holds "cat.jpg"
    When a program sends POST "/photos?delete" saying "<Delete><Object><Key>cat.jpg</Key></Object></Delete>" with
      | Content-MD5 | of the text |
    Then the browser is answered 200
    And the bucket "photos" holds nothing

  Scenario: What is locked must prove its bytes
    Given a bucket "vault" with locks
    When a program sends PUT "/vault/deed.pdf" saying "mine" with
      | x-amz-object-lock-legal-hold | ON |
    Then the browser is answered 400, saying "HTTP header is required for Put Object requests with Object Lock parameters"
    When a program sends PUT "/vault/deed.pdf" saying "mine" with
      | x-amz-object-lock-legal-hold | ON          |
      | Content-MD5                  | of the text |
    Then the browser is answered 200

  Scenario: Checksums are of known kinds
    When a program sends PUT "/photos/dog.jpg" saying "woof" with
      | x-amz-checksum-crc31 | AAAA |
    Then the browser is answered 400, saying "The algorithm type you specified in x-amz-checksum- header is invalid."

  Scenario: Addresses make sense
    When a program sends GET "/photos/cat.jpg?versionId="
    Then the browser is answered 400, saying "Version id cannot be the empty string"
    When a program sends GET "/photos/cat.jpg?response-server=mine"
    Then the browser is answered 400, saying "response-server is not in the set of overridable response headers."
    When a program sends PUT "/photos/cat.jpg?partNumber=1" saying "part"
    Then the browser is answered 400, saying "This operation does not accept partNumber without uploadId"
    When a program sends PUT "/photos/cat.jpg?uploadId=one" saying "part"
    Then the browser is answered 405, saying "<ResourceType>UPLOAD</ResourceType>"
    When a program sends POST "/photos/cat.jpg" saying ""
    Then the browser is answered 405, saying "<Code>MethodNotAllowed</Code>"

  Scenario: The rest of something else is not wanted
    When a program sends GET "/photos/cat.jpg" with
      | Range    | bytes=2-    |
      | If-Range | "some other" |
    Then the browser is answered 200, saying "hello"

  Scenario: Copies have no body, and tags have one
    When a program sends PUT "/photos/kitten.jpg" saying "meow" with
      | x-amz-copy-source | /photos/cat.jpg |
    Then the browser is answered 400, saying "Requests of this type must not include a non-empty body."
    When a program sends PUT "/photos/cat.jpg?tagging" saying ""
    Then the browser is answered 400, saying "<Code>MalformedXML</Code>"
    When a program sends PUT "/photos/cat.jpg?acl" saying "<List/>"
    Then the browser is answered 400, saying "<Code>MalformedACLError</Code>"
