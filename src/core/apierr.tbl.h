/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What a client can be told: GC_API_ERR(number, code of the S3 API, HTTP status, gRPC status,
 * text). Numbers are stored in replicated results and go over the wire: never renumbered, never
 * reused. */
GC_API_ERR(1, InternalError, 500, 13, "We encountered an internal error. Please try again.")
GC_API_ERR(2, NoSuchBucket, 404, 5, "The specified bucket does not exist.")
GC_API_ERR(3, NoSuchKey, 404, 5, "The specified key does not exist.")
GC_API_ERR(4, BucketAlreadyExists, 409, 6, "The requested bucket name is not available.")
GC_API_ERR(5, BucketAlreadyOwnedByYou, 409, 6, "You already own this bucket.")
GC_API_ERR(6, BucketNotEmpty, 409, 9, "The bucket you tried to delete is not empty.")
GC_API_ERR(7, InvalidBucketName, 400, 3, "The specified bucket is not valid.")
GC_API_ERR(8, InvalidArgument, 400, 3, "Invalid argument.")
GC_API_ERR(9, KeyTooLongError, 400, 3, "Your key is too long.")
GC_API_ERR(10, InvalidURI, 400, 3, "Could not parse the specified URI.")
GC_API_ERR(11, AccessDenied, 403, 7, "Access denied.")
GC_API_ERR(12, InvalidToken, 401, 16, "The provided token is not valid.")
GC_API_ERR(13, Unauthenticated, 401, 16, "Authentication is required.")
GC_API_ERR(14, BadDigest, 400, 3, "The Content-MD5 you specified did not match what we received.")
GC_API_ERR(15, InvalidDigest, 400, 3, "The Content-MD5 you specified is not valid.")
GC_API_ERR(16, IncompleteBody, 400, 3,
           "You did not provide the number of bytes specified by the Content-Length header.")
GC_API_ERR(17, EntityTooLarge, 400, 3,
           "Your proposed upload exceeds the maximum allowed object size.")
GC_API_ERR(18, MissingContentLength, 411, 3, "You must provide the Content-Length HTTP header.")
GC_API_ERR(19, PreconditionFailed, 412, 9,
           "At least one of the preconditions you specified did not hold.")
GC_API_ERR(20, NotModified, 304, 9, "Not modified.")
GC_API_ERR(21, InvalidRange, 416, 11, "The requested range is not satisfiable.")
GC_API_ERR(22, MethodNotAllowed, 405, 12,
           "The specified method is not allowed against this resource.")
GC_API_ERR(23, NotImplemented, 501, 12,
           "A header or query you provided implies functionality that is not implemented.")
GC_API_ERR(24, ServiceUnavailable, 503, 14,
           "The service is temporarily unavailable. Please try again.")
GC_API_ERR(25, SlowDown, 503, 8, "Please reduce your request rate.")
GC_API_ERR(26, InsufficientStorage, 507, 8, "There is not enough free space.")
GC_API_ERR(27, MetadataTooLarge, 400, 3,
           "Your metadata headers exceed the maximum allowed metadata size.")
GC_API_ERR(28, RequestTimeout, 400, 4,
           "Your socket connection to the server was not read from or written to in time.")
GC_API_ERR(29, RequestHeaderSectionTooLarge, 400, 8,
           "Your request header section exceeds the maximum allowed size.")
GC_API_ERR(30, RequestExpired, 503, 4, "The request took too long.")
GC_API_ERR(31, TooManyBuckets, 400, 8, "You have reached the maximum number of buckets.")
GC_API_ERR(32, DataLoss, 500, 15, "The stored data is damaged.")
GC_API_ERR(33, StaleEpoch, 503, 10, "The write was fenced off. Please try again.")
GC_API_ERR(34, BadRequest, 400, 3, "The request is malformed.")
GC_API_ERR(35, MisdirectedRequest, 421, 3, "This server does not answer for that host.")
